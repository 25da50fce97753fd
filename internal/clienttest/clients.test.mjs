// Client libraries as applications use them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { ClientError, GraphQLClient } from 'graphql-request';
import { createClient as createSSE } from 'graphql-sse';
import { createClient as createWS } from 'graphql-ws';
import { WebSocket } from 'ws';
import { authorization, client, headers, socketURL, url } from './server.mjs';

const query = 'query Card($id: ID!) { client(id: $id) { id name } }';
const variables = { id: client };
const card = { id: client, name: '客户 string 1' };
const ticks = 'subscription { diagnosticTicks(milliseconds: 1) }';
const open = `mutation Open($name: String!) { clientOpen(idempotencyKey: "k", input: {name: $name, kinds: [KEY], departmentId: "d", source: "s"}) {
  client { id name } userErrors { code field } } }`;

const sockets = (options = {}) => createWS({
  url: socketURL, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization }, ...options,
});

async function first(iterable, n) {
  const got = [];
  for await (const x of iterable) {
    got.push(x);
    if (got.length === n) break;
  }
  return got;
}

test('graphql-ws: query, subscription, request error, refusal', async () => {
  const c = sockets();
  const [answer] = await first(c.iterate({ query, variables }), 1);
  assert.deepEqual(answer.data, { client: card });
  const three = [];
  for await (const x of c.iterate({ query: 'subscription { diagnosticTicks(milliseconds: 1, count: 3) }' })) three.push(x.data.diagnosticTicks);
  assert.deepEqual(three, [1, 2, 3]); // and the server ended it
  assert.deepEqual((await first(c.iterate({ query: ticks }), 2)).length, 2);
  await assert.rejects(first(c.iterate({ query: '{ nothing }' }), 1), (errs) => errs[0].extensions.code === 'INVALID_INPUT');
  await c.dispose();

  const bad = sockets({ connectionParams: { authorization: 'Bearer nobody' } });
  await assert.rejects(first(bad.iterate({ query }), 1), (e) => e.code === 4403);
  const silent = sockets({ connectionParams: undefined });
  await assert.rejects(first(silent.iterate({ query }), 1), (e) => e.code === 4403);
});

test('graphql-ws: tries again with a new credential after 4403', async () => {
  let attempt = 0;
  const c = sockets({
    retryAttempts: 3, retryWait: async () => {}, shouldRetry: () => true,
    connectionParams: () => ({ authorization: attempt++ === 0 ? 'Bearer nobody' : authorization }),
  });
  const [answer] = await first(c.iterate({ query, variables }), 1);
  assert.deepEqual(answer.data, { client: card });
  assert.equal(attempt, 2);
  await c.dispose();
});

test('graphql-sse, distinct connections: query, subscription, request error, refusal', async () => {
  const c = createSSE({ url, headers, retryAttempts: 0 });
  const [answer] = await first(c.iterate({ query, variables }), 1);
  assert.deepEqual(answer.data, { client: card });
  const three = await first(c.iterate({ query: ticks }), 3);
  assert.deepEqual(three.map((x) => x.data.diagnosticTicks), [1, 2, 3]);
  const [refused] = await first(c.iterate({ query: '{ nothing }' }), 1);
  assert.equal(refused.errors[0].extensions.code, 'INVALID_INPUT');
  c.dispose();
  const bad = createSSE({ url, headers: { authorization: 'Bearer nobody' }, retryAttempts: 0 });
  await assert.rejects(first(bad.iterate({ query }), 1));
});

test('Apollo Client: query, mutation, errors, subscription', async () => {
  const ws = sockets();
  const link = ApolloLink.split(
    ({ operationType }) => operationType === 'subscription', new GraphQLWsLink(ws), new HttpLink({ uri: url, headers }));
  const c = new ApolloClient({ link, cache: new InMemoryCache() });
  const { data } = await c.query({ query: gql(query), variables });
  assert.equal(data.client.name, card.name);
  const opened = await c.mutate({ mutation: gql(open), variables: { name: 'good' } });
  assert.equal(opened.data.clientOpen.client.id, client);
  const refused = await c.mutate({ mutation: gql(open), variables: { name: 'refused' } });
  assert.deepEqual(refused.data.clientOpen.userErrors.map((e) => e.code), ['INVALID_INPUT', 'STALE_VERSION']);
  await assert.rejects(c.query({ query: gql`{ nothing }` }), (e) => e.errors[0].extensions.reason === 'GRAPHQL_VALIDATION_FAILED');
  await assert.rejects(c.query({ query: gql`{ diagnosticError }` }), (e) => e.errors[0].message === 'internal error');
  const tick = await new Promise((resolve, reject) => {
    const s = c.subscribe({ query: gql(ticks) }).subscribe({ next: (x) => { s.unsubscribe(); resolve(x); }, error: reject });
  });
  assert.ok(tick.data.diagnosticTicks >= 1);
  c.stop();
  await ws.dispose();
});

test('urql: query, mutation, subscription by fetch', async () => {
  const c = new Client({ url, exchanges: [cacheExchange, fetchExchange], fetchOptions: { headers }, preferGetMethod: false, fetchSubscriptions: true });
  const answer = await c.query(query, variables).toPromise();
  assert.equal(answer.error, undefined);
  assert.equal(answer.data.client.name, card.name);
  const opened = await c.mutation(open, { name: 'good' }).toPromise();
  assert.equal(opened.data.clientOpen.client.id, client);
  const refused = await c.query('{ nothing }', {}).toPromise();
  assert.equal(refused.error.graphQLErrors[0].extensions.code, 'INVALID_INPUT');
  const got = [];
  await new Promise((resolve) => {
    c.subscription('subscription { diagnosticTicks(milliseconds: 1, count: 2) }', {}).subscribe((x) => {
      got.push(x.data.diagnosticTicks);
      if (!x.hasNext) resolve();
    });
  });
  assert.deepEqual(got, [1, 2, 2]); // the last again, with the end
});

test('urql: queries by GET, subscriptions by graphql-ws', async () => {
  const ws = sockets();
  const c = new Client({
    url, preferGetMethod: 'force', fetchOptions: { headers },
    exchanges: [fetchExchange, subscriptionExchange({
      forwardSubscription: (operation) => ({ subscribe: (sink) => ({ unsubscribe: ws.subscribe({ ...operation, query: operation.query ?? '' }, sink) }) }),
    })],
  });
  assert.equal((await c.query(query, variables).toPromise()).data.client.name, card.name);
  const tick = await new Promise((resolve) => {
    const s = c.subscription(ticks, {}).subscribe((x) => { s.unsubscribe(); resolve(x); });
  });
  assert.equal(tick.data.diagnosticTicks, 1);
  await ws.dispose();
});

test('graphql-request: query, errors, refusal', async () => {
  const c = new GraphQLClient(url, { headers });
  assert.deepEqual(await c.request(query, variables), { client: card });
  await assert.rejects(c.request('{ nothing }'), (e) => e instanceof ClientError && e.response.errors[0].extensions.code === 'INVALID_INPUT');
  await assert.rejects(new GraphQLClient(url).request('{ __typename }'), (e) => e.response.status === 401);
});
