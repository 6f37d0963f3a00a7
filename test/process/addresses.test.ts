/** Addresses come and go with what the workers listen on: a port that nobody serves is refused, not held. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { poll } from './harness/events.ts';
import { Project } from './harness/project.ts';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}

async function refused(port: number, what: string): Promise<void> {
  let isRefused = false;
  const timer = setInterval(() => void isOpen(port).then((open) => (isRefused = !open)), 20);
  await poll(() => isRefused, what).finally(() => clearInterval(timer));
}

test('the port of a rejected generation and, after a restart, the old one are refused', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const project = Project.of('addresses', t);
  project.write('where.cjs', `exports.port = ${first};\n`);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const report = await server.reloadBy(() => project.write('where.cjs', `exports.port = ${second};\n`));
  assert.equal(report.result, 'rejected');
  assert.equal(report.error?.code, 'addresses-changed');
  assert.equal((await server.ask()).status, 200);
  await refused(second, 'the port of the rejected generation to be refused');
  assert.equal((await server.control.request('restart', {})).result, 'done');
  await server.settled();
  assert.deepEqual(
    server.snapshot.addresses.map(({ port }) => port),
    [second],
  );
  assert.equal((await server.ask()).status, 200);
  await refused(first, 'the old port to be refused');
});

test('a port is kept while a slot waits for its next worker', async (t) => {
  const project = Project.of('addresses', t);
  const server = await project.ready(['app.cjs']);
  const port = server.port();
  const [worker] = server.ready();
  project.write('where.cjs', "throw new Error('no');\n");
  await server.line(/rejected/);
  process.kill(worker?.pid ?? 0, 'SIGKILL');
  await server.snapshotWith(({ groups }) => groups[0]?.workers[0]?.state === 'backoff', 'the crash');
  assert.ok(await isOpen(port), 'clients wait, they are not refused');
  await server.line(/main#1 was ended by SIGKILL, starts again at once/);
});

test('a program that listens later tells its address when it does', async (t) => {
  const project = Project.of('addresses', t);
  project.write('where.cjs', 'exports.port = 0;\nexports.later = true;\n');
  const server = await project.ready(['app.cjs']);
  assert.deepEqual(server.snapshot.addresses, []);
  process.kill(server.pids()[0] ?? 0, 'SIGUSR2');
  const line = await server.line(/listens on http:\/\/localhost:\d+/);
  const { addresses } = await server.snapshotWith((snapshot) => snapshot.addresses.length === 1, 'an address');
  assert.match(line, new RegExp(`:${addresses[0]?.port}$`));
  assert.equal((await server.ask()).status, 200);
});

test('a plain status has figures', async (t) => {
  const project = Project.of('addresses', t);
  const server = await project.ready(['app.cjs']);
  await server.ask();
  const { stdout } = await project.run(['status', '--json']);
  const snapshot = JSON.parse(stdout) as typeof server.snapshot;
  const [worker] = snapshot.groups[0]?.workers ?? [];
  assert.equal(worker?.requests, 1);
  assert.ok((worker?.rss ?? 0) > 1e6);
});
