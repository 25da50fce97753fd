// Client libraries against a running server of which nothing is known but a credential of somebody who may open departments.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import { createClient as createSSE } from 'graphql-sse';
import { createClient as createWS } from 'graphql-ws';
import { WebSocket } from 'ws';
import { authorization, headers, socketURL, url } from './server.mjs';

const query = 'query Companies($first: Int!) { companies(first: $first) { nodes { id name } } }';
const variables = { first: 1 };
const open = `mutation Open($key: String!, $company: ID!, $name: String!) {
  departmentOpen(idempotencyKey: $key, input: { companyId: $company, name: $name }) { department { id name } userErrors { code } } }`;

// What every library has to get, by nothing but fetch.
const response = await fetch(url, {
  method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }),
});
const { data: want } = await response.json();
const company = want.companies.nodes[0];
assert.match(company.id, /^com_/);
assert.ok(company.name);

async function first(iterable) {
  for await (const x of iterable) return x;
}

test('graphql-ws: query, request error, refusal', async () => {
  const sockets = (connectionParams) => createWS({ url: socketURL, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams });
  const c = sockets({ authorization });
  assert.deepEqual((await first(c.iterate({ query, variables }))).data, want);
  await assert.rejects(first(c.iterate({ query: '{ nothing }' })), (errs) => errs[0].extensions.code === 'INVALID_INPUT');
  await c.dispose();
  await assert.rejects(first(sockets({ authorization: 'Bearer nobody' }).iterate({ query, variables })), (e) => e.code === 4403);
});

test('graphql-sse: query, request error, refusal', async () => {
  const c = createSSE({ url, headers, retryAttempts: 0 });
  assert.deepEqual((await first(c.iterate({ query, variables }))).data, want);
  assert.equal((await first(c.iterate({ query: '{ nothing }' }))).errors[0].extensions.code, 'INVALID_INPUT');
  c.dispose();
  await assert.rejects(first(createSSE({ url, headers: { authorization: 'Bearer nobody' }, retryAttempts: 0 }).iterate({ query, variables })));
});

test('Apollo Client: query, mutation once and again, request error', async () => {
  const c = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: new InMemoryCache() });
  assert.equal((await c.query({ query: gql(query), variables })).data.companies.nodes[0].name, company.name);
  const key = crypto.randomUUID();
  const act = async () => (await c.mutate({ mutation: gql(open), variables: { key, company: company.id, name: `Apollo ${key}` } })).data.departmentOpen;
  const opened = await act();
  assert.deepEqual(opened.userErrors, []);
  assert.equal(opened.department.name, `Apollo ${key}`);
  assert.equal((await act()).department.id, opened.department.id); // the same key is the same act
  await assert.rejects(c.query({ query: gql`{ nothing }` }), (e) => e.errors[0].extensions.reason === 'GRAPHQL_VALIDATION_FAILED');
  c.stop();
});

for (const preferGetMethod of [false, 'force']) {
  test(`urql: query by ${preferGetMethod ? 'GET' : 'POST'}, mutation`, async () => {
    const c = new Client({ url, exchanges: [fetchExchange], fetchOptions: { headers }, preferGetMethod });
    const answer = await c.query(query, variables).toPromise();
    assert.equal(answer.error, undefined);
    assert.equal(answer.data.companies.nodes[0].name, company.name);
    const key = crypto.randomUUID();
    const opened = await c.mutation(open, { key, company: company.id, name: `urql ${key}` }).toPromise();
    assert.equal(opened.data?.departmentOpen.department.name, `urql ${key}`, opened.error);
  });
}

test('graphql-request: query, refusal', async () => {
  assert.deepEqual(await new GraphQLClient(url, { headers }).request(query, variables), want);
  await assert.rejects(new GraphQLClient(url).request('{ __typename }'), (e) => e.response.status === 401);
});
