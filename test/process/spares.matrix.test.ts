/** Spares: a reload takes a process that has already booted, and never one that knows something that is no longer so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allGone, isAlive, marked } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

/** Writes a line for each process that begins to run the program's flags; the thread of its loaders (22.15, 24.10) runs them too. */
const COUNT =
  "if (require('node:worker_threads').isMainThread) require('node:fs').appendFileSync('starts.log', `${process.pid}\\n`);\n";

const spareReady = (server: Server, count = 1): Promise<unknown> =>
  server.snapshotWith(({ groups, state }) => state === 'running' && groups[0]?.spares === count, `${count} spares`);

const starts = (project: Project): number[] => project.read('starts.log').trim().split('\n').map(Number);

const save = (project: Project, word: string): void => project.write('message.cjs', `exports.message = '${word}';\n`);

/** A process of the program that is none of its workers. */
function sparePid(project: Project, server: Server): number {
  const pids = starts(project).filter((pid) => isAlive(pid) && !server.pids().includes(pid));
  assert.equal(pids.length, 1, `one spare among ${pids.join(', ')}`);
  return pids[0]!;
}

async function counted(t: Parameters<typeof Project.of>[1], args: readonly string[]): Promise<[Project, Server]> {
  const project = Project.of('cjs', t);
  project.write('count.cjs', COUNT);
  return [project, await project.ready([...args, '--require', './count.cjs', 'app.cjs'])];
}

test('a reload takes the spare, and costs one process start for each worker', async (t) => {
  const [project, server] = await counted(t, ['--workers', '3']);
  await spareReady(server);
  const spare = sparePid(project, server);
  const before = starts(project).length;
  const load = startLoad(server.port(), t);
  await load.answered(5);
  const report = await server.reloadBy(() => save(project, 'two'));
  assert.equal(report.result, 'done');
  await server.settled();
  await spareReady(server);
  assert.ok(server.pids().includes(spare), 'the spare serves');
  assert.equal(starts(project).length - before, 3, 'two cold workers and the next spare');
  await load.answered(5);
  assert.deepEqual((await load.stop()).failures, []);
  assert.equal((await server.ask()).body['message'], 'two');
});

test('--spares 0 does without', async (t) => {
  const [project, server] = await counted(t, ['--spares', '0']);
  const report = await server.reloadBy(() => save(project, 'two'));
  assert.equal(report.result, 'done');
  await server.settled();
  assert.equal(starts(project).length, 2);
  assert.ok(server.snapshots.every((snapshot) => snapshot.groups.every(({ spares }) => spares === 0)));
});

test('a respawn takes the spare as well', async (t) => {
  const [project, server] = await counted(t, []);
  await spareReady(server);
  const spare = sparePid(project, server);
  process.kill(server.pids()[0]!, 'SIGKILL');
  await server.until(() => server.pids().includes(spare), 'the spare in service');
});

test('a spare that is dead is not used, and one that does not boot is not tried again and again', async (t) => {
  const project = Project.of('cjs', t);
  project.write('count.cjs', `${COUNT}if (require('node:fs').existsSync('deny')) process.exit(3);\n`);
  const server = await project.ready(['--require', './count.cjs', 'app.cjs']);
  await spareReady(server);
  project.write('deny', '');
  const started = starts(project).length;
  process.kill(sparePid(project, server), 'SIGKILL');
  await spareReady(server, 0);
  project.remove('deny');
  const report = await server.reloadBy(() => save(project, 'two'));
  assert.equal(report.result, 'done');
  assert.equal((await server.ask()).body['message'], 'two');
  await spareReady(server);
  assert.equal(starts(project).length - started, 2, 'a cold worker and the next spare');
});

test('what a spare read before its entry is not used once it has changed', async (t) => {
  const project = Project.of('cjs', t);
  project.write('ahead.cjs', "globalThis.ahead = 'one';\n");
  project.write('later.mjs', "import { word } from './word.mjs';\nglobalThis.later = word;\n");
  project.write('word.mjs', "export const word = 'one';\n");
  project.write('.env', 'FROM_FILE=one\n');
  project.write(
    'app.cjs',
    "require('node:http').createServer((_, response) => response.end(JSON.stringify({ ahead, later, env: process.env.FROM_FILE }))).listen(0);\n",
  );
  const flags = ['--env-file', '.env', '--require', './ahead.cjs', '--import', './later.mjs'];
  const server = await project.ready([...flags, 'app.cjs']);
  await spareReady(server);
  const expected = { ahead: 'one', later: 'one', env: 'one' };
  const edits: [keyof typeof expected, string, string][] = [
    ['ahead', 'ahead.cjs', "globalThis.ahead = 'two';\n"],
    ['later', 'word.mjs', "export const word = 'two';\n"],
    ['env', '.env', 'FROM_FILE=two\n'],
  ];
  for (const [name, file, text] of edits) {
    expected[name] = 'two';
    await server.reloadBy(() => project.write(file, text));
    assert.deepEqual((await server.ask()).body, expected, `after an edit of ${file}`);
    await spareReady(server);
  }
});

test('the request that a spare makes to itself is none of the program: not counted, and not made where others would see it', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  await spareReady(server);
  await server.reloadBy(() => save(project, 'two'));
  await server.settled();
  assert.equal((await server.ask()).body['message'], 'two');
  const { groups, addresses } = await server.control.request('status', {});
  assert.deepEqual([groups[0]?.workers[0]?.requests, addresses.length], [1, 1]);

  const watched = Project.of('cjs', t);
  const log = "require('node:fs').appendFileSync('requests.log', `${process.pid}\\n`)";
  watched.write(
    'spy.cjs',
    `require('node:diagnostics_channel').subscribe('http.server.request.start', () => ${log});\n`,
  );
  const spied = await watched.ready(['--require', './spy.cjs', 'app.cjs']);
  for (const word of ['two', 'three']) {
    await spareReady(spied);
    await spied.reloadBy(() => save(watched, word));
    await spied.settled();
  }
  const { pid } = (await spied.ask()).body;
  assert.deepEqual(watched.read('requests.log').trim().split('\n').map(Number), [pid]);
});

test('a loader for TypeScript is none that would see it: the spare has answered its own request before the program runs', async (t) => {
  const project = Project.of('tsx-app', t);
  project.link('tsx');
  // Node keeps what has read a request for the next one.
  const app = `import http from 'node:http';
const { parsers } = process.getBuiltinModule('_http_common') as unknown as { parsers: { list: unknown[] } };
const kept: number = parsers.list.length;
http.createServer((_, response) => response.end(JSON.stringify({ kept }))).listen(0);
`;
  project.write('app.ts', app);
  const server = await project.ready(['--import', 'tsx', 'app.ts']);
  const kept = async (): Promise<unknown> => (await server.ask()).body['kept'];
  assert.equal(await kept(), 0, 'not in a process that ran the program at once');
  let saves = 0;
  // One that is called for while it asks has not been answered.
  do {
    assert.ok(++saves < 10, 'none of the spares has answered');
    await spareReady(server);
    await server.reloadBy(() => project.write('app.ts', `${app}// ${saves}\n`));
    await server.settled();
  } while ((await kept()) === 0);
});

test('spares end with the server, however it ends', async (t) => {
  const [project, server] = await counted(t, ['--spares', '2']);
  await spareReady(server, 2);
  server.child.kill('SIGKILL');
  await allGone(project.mark);
  assert.equal(marked(project.mark).size, 0);
});
