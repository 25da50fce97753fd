// The public audit of GraphQL over HTTP: every MUST, SHOULD and MAY.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { authorization, url } from './server.mjs';

const fetchFn = (input, init = {}) => fetch(input, { ...init, headers: { ...init.headers, authorization } });

for (const audit of serverAudits({ url, fetchFn })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}

// A checker that cannot fail proves nothing: without its credential the audit must find fault.
test('the audit finds fault with a server that refuses everybody', async () => {
  const results = await Promise.all(serverAudits({ url, fetchFn: fetch }).map((a) => a.fn()));
  assert.ok(results.some((r) => r.status === 'error'));
});
