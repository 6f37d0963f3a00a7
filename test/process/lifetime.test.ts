/** However a server ends, nothing of it stays: no process, no port, no entry. And a worker that dies comes back. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { allGone, isAlive, marked } from './harness/processes.ts';
import { poll } from './harness/events.ts';
import { Project } from './harness/project.ts';
import { portFree, type Server } from './harness/server.ts';

test('SIGINT, SIGTERM and SIGHUP stop gracefully', async (t) => {
  const project = Project.of('cjs', t);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const server = await project.ready(['--workers', '2', 'app.cjs']);
    const port = server.port();
    const slow = server.ask('/slow?wait=300');
    await server.line(/slow request began/);
    const code = server.stop(signal);
    assert.equal((await slow).status, 200, signal);
    assert.equal(await code, 0, signal);
    assert.ok(server.lines.includes('graceful-reload  cjs-app  stopped, 2 workers'), server.facts());
    await portFree(port);
    await allGone(project.mark);
    assert.deepEqual(readdirSync(project.runtimeFolder), [], signal);
  }
});

/** Stopping, and waiting for a request. */
async function stopping(t: TestContext, ask: (server: Server) => unknown, wait: number) {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const slow = server.ask(`/slow?wait=${wait}`);
  slow.catch(() => undefined);
  await server.line(/slow request began/);
  ask(server);
  await server.snapshotWith(({ state }) => state === 'stopping', 'the stop');
  return { server, slow };
}

test('a second Ctrl+C does not wait', async (t) => {
  const { server, slow } = await stopping(t, ({ child }) => child.kill('SIGINT'), 60_000);
  const presses = setInterval(() => server.child.kill('SIGINT'), 100);
  t.after(() => clearInterval(presses));
  assert.equal(await server.exit, 130);
  await assert.rejects(slow, { code: 'ECONNRESET' });
});

test('the first Ctrl+C waits, whoever has asked for the stop, and says how not to', async (t) => {
  const { server, slow } = await stopping(t, ({ control }) => void control.request('stop', {}), 1000);
  server.child.kill('SIGINT');
  await server.line(/is stopping already; Ctrl\+C again does not wait/);
  assert.equal((await slow).status, 200);
  assert.equal(await server.exit, 0);
});

test('a stop in the middle of a reload, and one while nothing serves yet', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  project.write(
    'message.cjs',
    "console.log('slow boot');\nconst until = Date.now() + 3000;\nwhile (Date.now() < until);\nexports.message = 'two';\n",
  );
  await server.line(/slow boot/);
  const reload = project.json(['reload']);
  const stop = await project.json(['stop']);
  assert.equal(stop.code, 0);
  assert.equal(await server.exit, 0);
  assert.equal((await reload).code === 0, false);

  const early = await project.start(['app.cjs']);
  await early.line(/slow boot/);
  assert.equal(await early.stop('SIGTERM'), 0);
});

test('SIGKILL of the master: no worker stays, not even a stuck one, and the port is free', async (t) => {
  const project = Project.of('cjs', t);
  project.write(
    'stuck.cjs',
    "require('./app.cjs');\nif (process.env.GRACEFUL_RELOAD_SLOT === '2') setTimeout(() => { console.log('stuck'); for (;;); }, 200);\n",
  );
  const server = await project.ready(['--workers', '2', 'stuck.cjs']);
  const port = server.port();
  const pids = server.pids();
  await server.line(/stuck/);
  server.child.kill('SIGKILL');
  await server.exit;
  await poll(() => pids.every((pid) => pid !== null && !isAlive(pid)), 'the end of the workers');
  await allGone(project.mark);
  await portFree(port);
  // What it left in the runtime folder is no server, and does not stand in the way of a new one.
  assert.equal((await project.run(['status'])).code, 3);
  const next = await project.ready(['--workers', '1', 'app.cjs']);
  assert.equal((await next.ask()).status, 200);
});

test('a worker that is killed or crashes comes back in its slot', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const [first, second] = server.pids();
  process.kill(first!, 'SIGKILL');
  await server.line(/main#1 was ended by SIGKILL/);
  await server.snapshotWith(
    (snapshot) => server.pids('main', snapshot).length === 2 && server.pids('main', snapshot)[0] !== first,
    'the worker back',
  );
  assert.equal(server.pids()[1], second);
  assert.equal((await server.ask()).status, 200);
  assert.equal(server.lastReload, null, 'which is no reload');
});

test('a crash loop is slowed down, visible, and ended by a good save', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  project.write(
    'app.cjs',
    `${project.read('app.cjs')}\nsetTimeout(() => { throw new Error('crash after ready'); }, 300);\n`,
  );
  const snapshot = await server.snapshotWith(
    ({ groups }) => groups[0]?.workers.some(({ state, nextTryAt }) => state === 'backoff' && nextTryAt !== null),
    'a back-off',
  );
  assert.match(snapshot.error?.message ?? '', /crash after ready/);
  // Nothing that is awaited ends the loop: whoever waits is told why at once, not that time is over.
  const answer = await server.control.request('wait', { timeout: 600_000 });
  assert.ok(!answer.live);
  assert.match(answer.error.message, /crash after ready/);
  const healed = await server.reloadBy(() => project.replace('app.cjs', /\nsetTimeout\(\(\) => \{ throw.*\n/, '\n'));
  assert.equal(healed.result, 'done');
  await server.settled();
  assert.equal((await server.ask()).status, 200);
});

test('the reaper is killed: the next worker brings another one, which knows the workers that were there before', async (t) => {
  const project = Project.of('cjs', t);
  project.replace(
    'app.cjs',
    "if (url.pathname === '/slow') {",
    "if (url.pathname === '/stuck') { console.log('stuck'); for (;;); }\n  $&",
  );
  const server = await project.ready(['--spares', '0', '--workers', '2', 'app.cjs']);
  const reapers = (): number[] =>
    [...marked(project.mark)].flatMap(([pid, command]) => (command.includes('graceful-reload-reaper') ? [pid] : []));
  const [reaper] = reapers();
  process.kill(reaper!, 'SIGKILL');
  await poll(() => reapers().length === 0, 'the end of the reaper');
  // A worker that stays, and hears nothing any more.
  const [first, second] = server.pids();
  server.ask('/stuck').catch(() => undefined);
  await server.line(/stuck/);
  const free = (await server.ask()).body['pid'] === first ? 1 : 2;
  await server.control.request('reload', { group: 'main', slot: free });
  await poll(() => reapers().length === 1, 'another reaper');
  assert.ok(marked(project.mark).has(free === 1 ? second! : first!));
  server.child.kill('SIGKILL');
  await server.exit;
  await allGone(project.mark);
});
