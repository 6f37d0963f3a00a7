/**
 * A client that a generator writes while the server runs: `@hey-api/openapi-ts`, which deletes a folder of 17 files and
 * writes it anew, as Prisma, GraphQL and protobuf generators do.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ensureBuilders } from '../../scripts/testbed.mjs';
import type { WaitReport } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';

/** A service at that place, with these operations. */
const description = (place: string, operations: readonly string[]): string =>
  JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'shop', version: '1' },
    servers: [{ url: `https://${place}.example` }],
    paths: Object.fromEntries(
      operations.map((operationId) => [
        `/${operationId}`,
        { get: { operationId, responses: { 200: { description: '' } } } },
      ]),
    ),
  });

test('a generated client reloads once, when it is complete, 0 failed', async (t) => {
  const project = Project.of('generated-client', t);
  project.link('tsx');
  const generator = join(await ensureBuilders(), '.bin', 'openapi-ts');
  const generate = async (place: string, operations: readonly string[]): Promise<void> => {
    project.write('api.json', description(place, operations));
    await promisify(execFile)(process.execPath, [generator, '-i', 'api.json', '-o', 'src/client'], {
      cwd: project.folder,
    });
  };
  await generate('one', ['list']);
  const server = await project.ready(['--workers', '2']);
  const word = async (): Promise<unknown> => (await server.ask()).body['word'];
  assert.equal(await word(), 'https://one.example list');
  const load = startLoad(server.port(), t);

  for (const [place, operations] of [
    ['two', ['list', 'show']],
    ['three', ['buy', 'list', 'show']],
    ['four', ['buy']],
  ] as const) {
    await load.answered(2);
    await generate(place, operations);
    const waited: WaitReport = await server.control.request('wait', { timeout: 20_000 });
    assert.equal(waited.live, true, JSON.stringify(waited));
    assert.equal(await word(), [`https://${place}.example`, ...operations].join(' '));
  }
  await load.answered(2);
  await generate('four', ['buy']);
  assert.equal((await server.control.request('wait', { timeout: 20_000 })).live, true);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, [], `of ${answers.length} requests`);
  // No worker has served a mixture, and the one that changed nothing was no reload.
  assert.deepEqual([...new Set(answers.map(({ body }) => String(body['word'])))].sort(), [
    'https://four.example buy',
    'https://one.example list',
    'https://three.example buy list show',
    'https://two.example list show',
  ]);
  assert.deepEqual(
    server.snapshot.reloads.map(({ result }) => result),
    ['done', 'done', 'done'],
    server.facts(),
  );
});
