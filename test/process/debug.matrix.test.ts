/** Debuggers: the ports they find workers at, and that nothing hurries a worker they hold. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Debugger, targetOf } from './clients/debugger.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

const DRAIN_MS = 400;
const NEW_WORD = "exports.word = 'two';\n";

/** Ports in a row that nobody has at the moment. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const servers = [createServer().listen(0, '127.0.0.1')];
    await once(servers[0]!, 'listening');
    const { port } = servers[0]!.address() as AddressInfo;
    try {
      for (let next = 1; next < count; next++) {
        servers.push(createServer().listen(port + next, '127.0.0.1'));
        await once(servers[next]!, 'listening');
      }
      return port;
    } catch {
      // One of them is taken: other ones then.
    } finally {
      for (const server of servers.filter(({ listening }) => listening)) await once(server.close(), 'close');
    }
  }
}

const debuggerOf = (server: Server, pid: number | null) =>
  server.group().workers.find((worker) => worker.pid === pid)?.debugger;

test('case P: a worker at a breakpoint during a reload is not killed, resumes, and then is replaced', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(1);
  const server = await project.ready([`--inspect=${port}`, '--drain-timeout', String(DRAIN_MS), 'app.cjs']);
  const [old] = server.pids();
  const client = await Debugger.connect(port);
  await client.breakAt('app.cjs', 12);
  const held = server.ask();
  assert.deepEqual(await client.paused(), { file: 'app.cjs', line: 12 });
  await server.snapshotWith(() => debuggerOf(server, old!) === 'paused', 'the pause in the status');

  const report = await server.reloadBy(() => project.write('word.cjs', NEW_WORD));
  assert.equal(report.result, 'done', 'the reload does not wait for a person');
  const load = startLoad(server.port(), t);
  await load.answered(20);
  await delay(DRAIN_MS * 3);
  const worker = server.group().workers.find(({ pid }) => pid === old);
  assert.equal(worker?.state, 'draining');
  assert.equal(worker.killAt, null, 'nobody says when it will be killed');
  assert.ok(isAlive(old!));

  await client.resume();
  const { body } = await held;
  assert.deepEqual([body['word'], body['pid']], ['one', old], 'it answers what it was about to');
  await client.closed;
  await server.settled();
  const { failures, answers } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(answers.every((answer) => answer.body['word'] === 'two'));
  assert.equal(server.lastReload?.forcedKills, 0);
  assert.equal(server.lastReload?.forcedConnections, 0);

  const next = await Debugger.connect(port);
  await next.breakAt('app.cjs', 12);
  const held2 = server.ask();
  assert.deepEqual(await next.paused(), { file: 'app.cjs', line: 12 }, 'the successor stands behind the same port');
  await next.resume();
  assert.equal((await held2).body['word'], 'two');
  next.close();
});

test('a debugger that waits for nothing is led on to the successor, though an event stream never ends', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(1);
  const server = await project.ready([`--inspect=${port}`, '--drain-timeout', String(DRAIN_MS), 'app.cjs']);
  const [old] = server.pids();
  const client = await Debugger.connect(port);
  const stream = await fetch(`http://localhost:${server.port()}/events`);
  await server.reloadBy(() => project.write('word.cjs', NEW_WORD));
  await client.closed;
  await server.settled();
  assert.ok(!isAlive(old!));
  await stream.text().catch(() => undefined);
  const next = await targetOf(port);
  const [pid] = server.pids();
  const again = await Debugger.connect(port);
  assert.equal(
    ((await again.ask('Runtime.evaluate', { expression: 'process.pid' }))['result'] as { value: number }).value,
    pid,
  );
  assert.notEqual(next.id, '');
  again.close();
});

test('--inspect-brk: the first workers wait for a debugger, without a deadline, and stop in their first line', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(1);
  const server = await project.start([`--inspect-brk=${port}`, '--boot-timeout', '1500', '--no-watch', 'app.cjs']);
  await server.line(/debugger on/);
  await delay(2500);
  const client = await Debugger.connect(port);
  await client.ask('Runtime.runIfWaitingForDebugger');
  assert.deepEqual(await client.paused(), { file: 'app.cjs', line: 2 });
  await client.resume();
  await server.settled();
  client.close();
  const { result } = await server.control.request('reload', {});
  assert.equal(result, 'done', 'later ones do not wait');
});

test('ports: in a row for the first group that reloads, any for the others, one more on demand', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(2);
  const server = await project.ready([`--inspect=${port}`, 'server.cjs']);
  const portsOf = (name: string) => server.ready(name).map(({ inspectPort }) => inspectPort);
  assert.deepEqual(portsOf('web'), [port, port + 1]);
  assert.ok(portsOf('fixed').every((one) => one !== null && one !== port && one !== port + 1));
  const before = server.pids('web');
  await server.reloadBy(() => project.write('word.cjs', NEW_WORD));
  await server.settled();
  assert.deepEqual(portsOf('web'), [port, port + 1]);
  assert.ok(server.pids('web').every((pid) => !before.includes(pid)));
  const { body } = await server.ask();
  assert.deepEqual(body['execArgv'], [], 'the program sees nothing of it');

  const plain = await project.ready(['--name', 'plain', '--workers', '2', 'app.cjs']);
  assert.deepEqual(
    plain.ready().map(({ inspectPort }) => inspectPort),
    [null, null],
  );
  const { workers } = await plain.control.request('inspect', { group: 'main', slot: 2 });
  assert.deepEqual(
    workers.map(({ group, slot }) => `${group}#${slot}`),
    ['main#2'],
  );
  const client = await Debugger.connect(workers[0]!.port);
  await plain.snapshotWith(() => plain.ready()[1]?.debugger === 'connected', 'the debugger in the status');
  assert.deepEqual(
    plain.ready().map(({ inspectPort }) => inspectPort),
    [null, workers[0]!.port],
  );
  client.close();
  await plain.snapshotWith(() => plain.ready()[1]?.debugger === null, 'its end in the status');
  await assert.rejects(plain.control.request('inspect', { slot: 3 }), /There is no slot 3: main has 2/);
});

test('a port that is taken is told, and another one serves', async (t) => {
  const project = Project.of('debug', t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const server = await project.ready([`--inspect=${port}`, 'app.cjs']);
  const line = await server.line(/is taken/);
  const other = Number(/it is 127\.0\.0\.1:(\d+) instead/.exec(line)?.[1]);
  assert.match(line, new RegExp(`main#1 {2}port ${port} for its debugger is taken`));
  assert.equal(server.ready()[0]?.inspectPort, other);
  assert.match((await targetOf(other)).title, /app\.cjs/);
});

test('NODE_OPTIONS=--inspect means the program, not the master; a wrong port is wrong usage', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(1);
  const server = await project.ready(['app.cjs'], { env: { NODE_OPTIONS: `--inspect=${port} --no-deprecation` } });
  assert.equal(server.ready()[0]?.inspectPort, port);
  assert.equal((await server.ask()).body['nodeOptions'], '--no-deprecation');
  const { code, stderr } = await project.run(['start', '--inspect=70000', 'app.cjs']);
  assert.equal(code, 2);
  assert.match(stderr, /--inspect takes a port or host:port, such as --inspect=9230, not "70000"/);
});

test('a stop does not wait for a person at a breakpoint', async (t) => {
  const project = Project.of('debug', t);
  const port = await freePorts(1);
  const server = await project.ready([`--inspect=${port}`, 'app.cjs']);
  const client = await Debugger.connect(port);
  await client.breakAt('app.cjs', 12);
  const held = server.ask();
  await client.paused();
  const { value } = await project.json(['stop']);
  assert.equal((await held).status, 200, 'it goes on, and answers');
  assert.deepEqual(value, { stopped: 1, forcedKills: 0 });
  await client.closed;
  assert.equal(await server.exit, 0);
});
