/** What is in flight when its worker has to go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';

test('a request in flight is answered by the old worker, and does not hold up the rest', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const before = server.pids();
  const slow = server.ask('/slow?wait=1000');
  await server.line(/slow request began/);
  const report = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.equal(report.result, 'done');
  // The other old worker, with nothing to do, goes at once.
  await server.snapshotWith((snapshot) => server.group('main', snapshot).workers.length === 3, 'one old worker left');
  const draining = server.group().workers.filter(({ state }) => state === 'draining');
  assert.equal(draining.length, 1, 'it is still at work when the reload is done');
  assert.ok(draining[0]?.killAt, 'and it is known until when it may be');
  assert.equal((await server.ask()).body['message'], 'two', 'while new requests get the new code');
  const { status, body } = await slow;
  assert.equal(status, 200);
  assert.equal(body['message'], 'one');
  assert.ok(before.includes(body['pid'] as number));
  assert.equal(body['pid'], draining[0]?.pid);
  await server.settled();
  assert.equal(server.lastReload?.forcedKills, 0);
  assert.equal(server.lastReload?.forcedConnections, 0);
});

test('what is in flight is cut on demand, and the program still shuts down', async (t) => {
  const project = Project.of('cjs', t);
  project.write(
    'app.cjs',
    `${project.read('app.cjs')}\nprocess.on('SIGTERM', () => process.exit(console.log('shut down')));\n`,
  );
  const server = await project.ready(['--drain-timeout', '1m', 'app.cjs']);
  const [old] = server.pids();
  const slow = server.ask('/slow?wait=50000');
  slow.catch(() => undefined);
  await server.line(/slow request began/);
  await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.deepEqual(await server.control.request('finish', { group: 'main', slot: 1 }), { finished: 1 });
  await assert.rejects(slow);
  await server.settled();
  await server.line(/shut down/);
  await server.snapshotWith(({ lastReload }) => lastReload?.forcedConnections === 1, 'the connection that was cut');
  assert.equal(server.lastReload?.forcedKills, 0);
  await assert.rejects(
    server.control.request('finish', { group: 'main', slot: 1 }),
    /No worker of main#1 is finishing/,
  );

  // What became of whom is remembered.
  const { lives } = await server.control.request('history', {});
  assert.deepEqual(
    lives.map(({ pid, generation, end }) => [pid, generation, end]),
    [
      [old, 1, 'left'],
      [server.pids()[0], 2, null],
    ],
  );
  const times = lives.flatMap(({ startedAt, servedAt, drainingAt, endedAt }) => [
    startedAt,
    servedAt,
    drainingAt,
    endedAt,
  ]);
  assert.deepEqual(
    times.map((time) => time !== null),
    [true, true, true, true, true, true, false, false],
  );
  const [first] = server.snapshot.reloads;
  assert.deepEqual(
    first?.phases.map(({ name }) => name),
    ['canary', 'roll'],
  );
  assert.ok(first.phases.every(({ ms }) => ms >= 0 && ms <= first.durationMs));
});

test('at a stop what is in flight is answered too', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const slow = server.ask('/slow?wait=500');
  await server.line(/slow request began/);
  const { code, value } = await project.json(['stop']);
  assert.equal((await slow).status, 200);
  assert.equal(code, 0);
  assert.deepEqual(value, { stopped: 1, forcedKills: 0 });
  assert.equal(await server.exit, 0);
});

test('a worker that does not go is killed at the drain timeout, and counted', async (t) => {
  const project = Project.of('cjs', t);
  project.write(
    'app.cjs',
    `${project.read('app.cjs')}\nprocess.on('SIGTERM', () => console.log('I stay'));\nsetInterval(() => undefined, 1000);\n`,
  );
  const server = await project.ready(['--drain-timeout', '400', '--workers', '2', 'app.cjs']);
  const report = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.equal(report.result, 'done');
  await server.settled();
  await server.snapshotWith(({ lastReload }) => lastReload?.forcedKills === 2, 'both kills in the status');
  assert.equal(server.lines.filter((line) => line.includes('I stay')).length, 2);
  const { value } = await project.json(['status']);
  assert.equal((value as typeof server.snapshot).lastReload?.forcedKills, 2);
  const stopped = await project.json(['stop']);
  assert.deepEqual(stopped.value, { stopped: 2, forcedKills: 2 });
});
