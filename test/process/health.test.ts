/** Workers that end, hang or never come up, each case under the letter that the survey of other supervisors gave it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { RawHttp } from './clients/rawHttp.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** The program of the fixture `cases` in one group with these options. */
async function start(t: TestContext, options: Record<string, unknown>): Promise<{ project: Project; server: Server }> {
  const project = Project.of('cases', t);
  project.link('ws');
  project.write(
    'group.cjs',
    `module.exports = { groups: { web: ${JSON.stringify({ entry: './app.cjs', ...options })} } };\n`,
  );
  return { project, server: await project.ready(['group.cjs']) };
}

const workersOf = (server: Server, snapshot = server.snapshot) => server.group('web', snapshot).workers;

test('L. a worker whose event loop stands still is told as unresponsive, and as ready once it turns again', async (t) => {
  const { server } = await start(t, { workers: 2, unresponsiveAfter: 400 });
  const [first] = server.pids('web');
  process.kill(first!, 'SIGSTOP');
  const snapshot = await server.snapshotWith(
    (now) => workersOf(server, now).some(({ state }) => state === 'unresponsive'),
    'an unresponsive worker',
  );
  const silent = workersOf(server, snapshot).find(({ state }) => state === 'unresponsive');
  assert.equal(silent?.pid, first);
  assert.ok(Date.parse(silent?.unresponsiveSince ?? '') < Date.now());
  assert.equal(snapshot.state, 'running', 'the other one serves');
  await server.line(/^graceful-reload {2}web#1 is unresponsive, its event loop has not turned for \d+ ms$/);
  process.kill(first!, 'SIGCONT');
  await server.settled();
  await server.line(/^graceful-reload {2}web#1 is responsive again$/);
  assert.equal(server.pids('web')[0], first, 'it is the same process');
});

test('L. with replaceUnresponsive a worker in an endless loop is killed, its slot filled, and nobody else notices', async (t) => {
  const { server } = await start(t, { workers: 2, unresponsiveAfter: 400, replaceUnresponsive: true });
  const before = server.pids('web');
  const lost = await RawHttp.open({ host: '127.0.0.1', port: server.port() });
  t.after(() => lost.close());
  const answer = lost.get('/busy');
  answer.catch(() => undefined);
  await server.line(/busy/);
  await server.snapshotWith((now) => workersOf(server, now).some(({ state }) => state === 'unresponsive'), 'the hang');
  await assert.rejects(answer, 'the request that hung is lost');
  await server.settled();
  const after = server.pids('web');
  assert.equal(after.filter((pid) => before.includes(pid)).length, 1, 'one was replaced');
  for (const pid of before) assert.equal(isAlive(pid!), after.includes(pid));
  assert.equal((await server.ask()).status, 200);
});

test('L. a worker that hangs is replaced by the save that mends it, without a click', async (t) => {
  const { project, server } = await start(t, { drainTimeout: 300, unresponsiveAfter: 400 });
  const [hung] = server.pids('web');
  process.kill(hung!, 'SIGSTOP');
  await server.snapshotWith(({ state }) => state === 'failed', 'a server that nobody serves');
  // Nobody reads the connection yet: it waits for the new worker.
  const waiting = server.ask('/word');
  const report = await server.reloadBy(() => project.write('word.cjs', "exports.word = 'mended';\n"));
  assert.equal(report.result, 'done');
  assert.equal((await waiting).text, 'mended');
  await server.settled();
  assert.equal(isAlive(hung!), false);
});
