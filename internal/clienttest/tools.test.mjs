// Tools that front-end developers run over the printed SDL and over introspection.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';
import { headers, url } from './server.mjs';

const run = promisify(execFile);
const sdlFile = resolve('../../graph/schema.graphql');
const modules = resolve('node_modules');
const folders = [];
after(() => Promise.all(folders.map((f) => rm(f, { recursive: true, force: true }))));

async function project() {
  const dir = await mkdtemp(join(tmpdir(), 'clienttest-'));
  folders.push(dir);
  await symlink(modules, join(dir, 'node_modules'));
  await copyFile(sdlFile, join(dir, 'schema.graphql'));
  await mkdir(join(dir, 'src'));
  return dir;
}

test('the printed SDL is what introspection tells, diagnostics aside', async () => {
  const response = await fetch(url, {
    method: 'POST', headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  const told = printSchema(lexicographicSortSchema(buildClientSchema(data)));
  const printed = buildSchema(await readFile(sdlFile, 'utf8'));
  assert.match(told, /diagnosticPanic/);
  assert.equal(printed.getQueryType().getFields().diagnosticPanic, undefined);
  for (const [name, type] of Object.entries(printed.getTypeMap())) {
    if (!name.startsWith('__') && name !== 'Query') assert.ok(told.includes(` ${name} `) || told.includes(` ${name}\n`) || name === 'Boolean' || name === 'String' || name === 'Int' || name === 'ID' || name === 'Float', `${type}`);
  }
});

test('relay-compiler: a query with a paginated fragment and a mutation', async () => {
  const dir = await project();
  await writeFile(join(dir, 'relay.config.json'), JSON.stringify({ src: './src', schema: './schema.graphql', language: 'typescript', eagerEsModules: true, customScalarTypes: { DateTime: 'string', Date: 'string', BigInt: 'string', MinorUnits: 'string' } }));
  await writeFile(join(dir, 'src', 'List.ts'), `
    import { graphql } from 'relay-runtime';
    export const query = graphql\`query ListQuery($first: Int!) { ...List_clients @arguments(count: $first) }\`;
    export const fragment = graphql\`
      fragment List_clients on Query @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) @refetchable(queryName: "ListPageQuery") {
        clients(first: $count, after: $cursor) @connection(key: "List_clients") { edges { node { id name owner { id name } } } }
      }\`;
    export const card = graphql\`fragment List_card on Client @refetchable(queryName: "ListCardQuery") { id name contacts(first: 3) { edges { node { name } } } }\`;
    export const mutation = graphql\`mutation ListOpenMutation($input: ClientOpenInput!, $key: String!) { clientOpen(input: $input, idempotencyKey: $key) { client { id ...List_card } userErrors { code message } } }\`;
  `);
  await run(join(modules, '.bin', 'relay-compiler'), ['relay.config.json'], { cwd: dir });
  const made = await readdir(join(dir, 'src', '__generated__'));
  assert.deepEqual(made.sort(), ['ListCardQuery.graphql.ts', 'ListOpenMutation.graphql.ts', 'ListPageQuery.graphql.ts', 'ListQuery.graphql.ts', 'List_card.graphql.ts', 'List_clients.graphql.ts']);
  // the text it made is answered
  const text = /"text": ("(?:[^"\\]|\\.)*")/.exec(await readFile(join(dir, 'src', '__generated__', 'ListCardQuery.graphql.ts'), 'utf8'));
  const response = await fetch(url, {
    method: 'POST', headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: JSON.parse(text[1]), variables: { id: process.env.CLIENT } }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined);
  assert.equal(answer.data.node.__typename, 'Client');
});

test('graphql-codegen: the client preset makes types that compile', async () => {
  const dir = await project();
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  await writeFile(join(dir, 'codegen.yml'), `
schema: schema.graphql
documents: src/*.ts
generates:
  ./src/gql/:
    preset: client
    config: { useTypeImports: true, scalars: { DateTime: string, Date: string, BigInt: string, MinorUnits: string, JSON: "Record<string, unknown>" } }
`);
  await writeFile(join(dir, 'src', 'card.ts'), `
    import { graphql } from './gql/index.js';
    import type { ResultOf } from '@graphql-typed-document-node/core';
    const card = graphql(\`query Card($id: ID!) { client(id: $id) { id name creditLimit { amount currency } } }\`);
    export const amount = (r: ResultOf<typeof card>): string | undefined => r.client?.creditLimit?.amount;
  `);
  await writeFile(join(dir, 'tsconfig.json'), '{"compilerOptions":{"strict":true,"noEmit":true,"skipLibCheck":true,"module":"esnext","moduleResolution":"bundler","target":"es2022"},"include":["src"]}');
  await run(join(modules, '.bin', 'graphql-codegen'), ['--config', 'codegen.yml'], { cwd: dir });
  await run(join(modules, '.bin', 'tsc'), ['-p', '.'], { cwd: dir });
  await writeFile(join(dir, 'src', 'wrong.ts'), `import { amount } from './card.js'; export const n: number = amount({} as never) ?? 0;`);
  await assert.rejects(run(join(modules, '.bin', 'tsc'), ['-p', '.'], { cwd: dir }), (e) => /wrong\.ts/.test(e.stdout));
});
