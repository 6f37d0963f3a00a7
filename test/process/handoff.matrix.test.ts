/** No request fails because of a reload: strict clients of every kind at once, while the workers are replaced again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawHttp } from './clients/rawHttp.ts';
import { startClients } from './clients/strictClients.ts';
import { poll } from './harness/events.ts';
import { isAlive, stateOf } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** The oldest versions of a line are only seen to work at all. */
const RELOADS = /22\.15|24\.10/.test(process.env['GR_TEST_NODE'] ?? '') ? 5 : 20;
/** Clients that keep one connection each for the whole test. */
const KEEPING = ['keep-alive', 'idle keep-alive', 'pipelined', 'half-sent head', 'slow upload', 'streamed response'];

const target = (server: Server) => ({ host: '127.0.0.1', port: server.port() });

for (const [order, workers] of [
  ['start-first', 2],
  ['stop-first', 2],
  ['stop-first', 1],
] as const) {
  test(`${order}, ${workers} worker${workers > 1 ? 's' : ''}: ${RELOADS} reloads under load, 0 failed, the same connections before and after`, async (t) => {
    const project = Project.of('strict', t);
    const server = await project.ready(['--order', order, '--workers', String(workers), 'app.cjs']);
    const clients = startClients(target(server), 1);
    t.after(() => clients.stop());
    let moved = 0;
    let newest = '1';
    for (let reload = 0; reload < RELOADS; reload++) {
      // Every second reload follows at once; before the others each kind of client has met the newest code.
      if (reload % 2 === 1) await clients.all(KEEPING, ({ generations }) => generations.has(newest));
      const report = await server.control.request('reload', {});
      assert.equal(report.result, 'done');
      assert.equal(report.forcedKills + report.forcedConnections, 0, 'nothing was cut');
      moved += report.movedConnections;
      newest = String(report.generation);
    }
    const tallies = await clients.stop();
    for (const { name, asked, failures } of tallies)
      assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked} failed`);
    const kept = tallies.filter(({ name }) => KEEPING.includes(name));
    for (const { name, opened, clients: count } of kept)
      assert.equal(opened, count, `${name}: each client still has its first connection`);
    assert.ok(moved >= RELOADS, `${moved} connections moved`);
  });
}

test('the next request on an idle connection is answered by the new code', async (t) => {
  const project = Project.of('strict', t);
  const server = await project.ready(['app.cjs']);
  const connections = await Promise.all(Array.from({ length: 10 }, () => RawHttp.open(target(server))));
  t.after(() => connections.forEach((connection) => connection.close()));
  const generationOf = async (connection: RawHttp): Promise<string | undefined> =>
    (await connection.get('/')).headers.get('x-generation');
  assert.deepEqual(new Set(await Promise.all(connections.map(generationOf))), new Set(['1']));
  const report = await server.control.request('reload', {});
  assert.equal(report.movedConnections, 10);
  assert.deepEqual(new Set(await Promise.all(connections.map(generationOf))), new Set(['2']));
});

test('an idle connection keeps its keep-alive time over a reload, and never gets a 408', async (t) => {
  const project = Project.of('strict', t);
  const server = await project.ready(['app.cjs'], { env: { KEEP_ALIVE: '1500', HEADERS_TIMEOUT: '300', PORT: '0' } });
  const idle = await RawHttp.open(target(server));
  t.after(() => idle.close());
  await idle.get('/');
  const since = performance.now();
  await server.control.request('reload', {});
  await new Promise((closed) => idle.socket.once('close', closed));
  assert.equal(idle.failure?.message, 'the server closed the connection', 'closed without a byte');
  const lasted = performance.now() - since;
  assert.ok(lasted > 1000, `closed after ${Math.round(lasted)} ms of 1,500`);
});

test('a request sent while its connection is parked is answered, also when the keep-alive time has run out by then', async (t) => {
  const project = Project.of('strict', t);
  const server = await project.ready(['--order', 'stop-first', 'app.cjs'], { env: { KEEP_ALIVE: '300' } });
  const connections = await Promise.all(Array.from({ length: 50 }, () => RawHttp.open(target(server))));
  t.after(() => connections.forEach((connection) => connection.close()));
  await Promise.all(connections.map((connection) => connection.get('/')));
  const [old] = server.pids();
  // The next generation takes longer to come up than any connection may stay idle.
  const slow = `for (const until = Date.now() + 2000; Date.now() < until;);\n${project.read('app.cjs')}`;
  const reload = server.reloadBy(() => project.write('app.cjs', slow));
  await server.until(() => !isAlive(old!), 'the old worker to go');
  const answers = await Promise.all(connections.map((connection) => connection.get('/')));
  assert.deepEqual(new Set(answers.map(({ headers }) => headers.get('x-generation'))), new Set(['2']));
  assert.equal((await reload).movedConnections, 50);
});

test('a canary answers nothing before it is admitted, and a rejected one never does', async (t) => {
  const project = Project.of('strict', t);
  // The second version listens where the first did, but not on its second address: it never becomes ready.
  const server = await project.ready(['--boot-timeout', '1500', '--workers', '2', 'twoPorts.cjs']);
  const clients = startClients(target(server), 2, ['keep-alive', 'per request', 'silent first']);
  t.after(() => clients.stop());
  const report = await server.reloadBy(() => project.write('second.cjs', 'exports.listens = false;\n'));
  assert.equal(report.result, 'rejected');
  const healed = await server.reloadBy(() => project.write('second.cjs', 'exports.listens = true; // again\n'));
  assert.equal(healed.result, 'done');
  await server.settled();
  for (const { name, failures, generations } of await clients.stop()) {
    assert.deepEqual(failures, [], name);
    assert.ok(!generations.has(String(report.generation)), `${name} was answered by the rejected generation`);
  }
});

test('a receiver that dies before it has taken the connections on their way to it loses none of them', async (t) => {
  const project = Project.of('strict', t);
  const server = await project.ready(['app.cjs']);
  const connections = await Promise.all(Array.from({ length: 30 }, () => RawHttp.open(target(server))));
  t.after(() => connections.forEach((connection) => connection.close()));
  await Promise.all(connections.map((connection) => connection.get('/')));
  const [old] = server.pids();
  // The old worker stands still, so that it drains only when the new one stands still: that one is ready, and takes nothing.
  process.kill(old!, 'SIGSTOP');
  const reload = server.control.request('reload', {});
  const stuck = await server.until(
    () => server.ready().find(({ generation }) => generation === 2)?.pid ?? undefined,
    'the second generation',
  );
  process.kill(stuck, 'SIGSTOP');
  await poll(() => stateOf(stuck) === 'T', 'the new worker to stand still');
  process.kill(old!, 'SIGCONT');
  await server.until(() => !isAlive(old!), 'the old worker to hand everything over and go');
  process.kill(stuck, 'SIGKILL');
  assert.equal((await reload).result, 'done');
  const successor = await server.until(() => server.ready().find(({ pid }) => pid !== stuck)?.pid, 'its successor');
  for (const connection of connections) {
    const { status, headers } = await connection.get('/');
    assert.deepEqual([status, headers.get('x-pid')], [200, String(successor)]);
  }
  assert.deepEqual(
    connections.flatMap(({ failure }) => failure ?? []),
    [],
  );
});
