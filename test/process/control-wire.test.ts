/** The control wire under attack: an error or a closed connection, a few lines of log, and a server that does not notice. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { fuzz } from './clients/fuzz.ts';
import { poll } from './harness/events.ts';
import { descriptors, rssMb } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const framed = (content: object): string => {
  const body = JSON.stringify({ jsonrpc: '2.0', ...content });
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

async function serving(t: TestContext): Promise<{ project: Project; server: Server }> {
  const project = Project.of('cjs', t);
  return { project, server: await project.ready(['--spares', '0', 'app.cjs'], { env: { SECRET: 'xyzzy-4711' } }) };
}

/** Resolves with what came until the server closed the connection. */
async function closedAfter(server: Server, act: (socket: Socket) => void): Promise<string> {
  const socket = connect(server.registryEntry().socket);
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise((done) => socket.once('close', done));
  act(socket);
  await closed;
  return text;
}

/** Descriptors and memory of the master are what they were; it answers, and so does its worker. */
async function unharmed(server: Server, before: { descriptors: number }): Promise<void> {
  assert.equal((await server.control.request('status', {})).state, 'running');
  assert.equal((await server.ask()).status, 200);
  await poll(
    () => descriptors(server.pid) <= before.descriptors,
    'the descriptors that there were before',
    () => `${descriptors(server.pid)}, before ${before.descriptors}`,
  );
}

test('strangers: no token, a wrong one, another version, half a message', async (t) => {
  const { server } = await serving(t);
  const before = { descriptors: descriptors(server.pid) };
  const { token } = server.registryEntry();
  const hello = (params: object): string => framed({ id: 1, method: 'hello', params });
  const first = await closedAfter(server, (socket) => socket.write(framed({ id: 1, method: 'status', params: {} })));
  assert.match(first, /say hello with the token first/);
  assert.doesNotMatch(first, /"groups"/);
  for (const wrong of ['', 'x', token.slice(1), `${token} `, token.toUpperCase()]) {
    const answer = await closedAfter(server, (socket) =>
      // What comes with it is not looked at.
      socket.write(hello({ version: 1, token: wrong, client: 'x' }) + framed({ id: 2, method: 'stop', params: {} })),
    );
    assert.match(answer, /the token is wrong/);
    assert.doesNotMatch(answer, /"id":2,"result"/);
  }
  const other = await closedAfter(server, (socket) => socket.write(hello({ version: 99, token, client: 'x' })));
  assert.match(other, /speaks version 1 .* not 99/);
  connect(server.registryEntry().socket).end('Content-Length: 50\r\n\r\n{"js');
  await unharmed(server, before);
});

test('100 MB of garbage, in one piece and as small messages, leave memory as it is', async (t) => {
  const { server } = await serving(t);
  const before = { descriptors: descriptors(server.pid) };
  const { token } = server.registryEntry();
  const hello = framed({ id: 0, method: 'hello', params: { version: 1, token, client: 'flood' } });
  const small = framed({ method: 'x', params: {} });
  const rss = rssMb(server.pid);
  for (const [name, head, part] of [
    ['noise of a stranger', '', '\x01'.repeat(100_000)],
    ['noise with the token', hello, 'y'.repeat(100_000)],
    ['a header that never ends', hello, 'A: b\r\n'.repeat(15_000)],
    ['one endless message', `${hello}Content-Length: 100000000\r\n\r\n`, ' '.repeat(100_000)],
    ['many small ones', hello, small.repeat(2000)],
  ] as const)
    await t.test(name, async () => {
      await closedAfter(server, (socket) => {
        socket.write(head);
        let left = 1000;
        const more = (): void => {
          while (left-- > 0 && !socket.destroyed) if (!socket.write(part)) return;
        };
        socket.on('drain', more);
        more();
      });
      await unharmed(server, before);
      assert.ok(rssMb(server.pid) < rss + 40, `${rssMb(server.pid)} MB, before ${rss} MB`);
    });
  // One line for each kind, not one for each attempt.
  assert.ok(server.lines.filter((line) => line.includes('control client dropped')).length <= 5, server.facts());
});

test('a thousand connections keep nobody out', async (t) => {
  const { project, server } = await serving(t);
  const before = { descriptors: descriptors(server.pid) };
  const sockets = Array.from({ length: 1000 }, () => connect(server.registryEntry().socket));
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.all(sockets.map((socket) => once(socket, 'connect').catch(() => undefined)));
  assert.equal((await project.run(['status'])).code, 0);
  assert.ok(descriptors(server.pid) < before.descriptors + 250, 'most were closed');
  for (const socket of sockets) socket.destroy();
  await unharmed(server, before);
  assert.equal(server.lines.filter((line) => line.includes('control client')).length, 1, server.facts());
});

test('a client that asks and never reads is dropped', async (t) => {
  const { server } = await serving(t);
  const before = { descriptors: descriptors(server.pid) };
  const { token } = server.registryEntry();
  const rss = rssMb(server.pid);
  await closedAfter(server, (socket) => {
    socket.pause();
    socket.removeAllListeners('data');
    socket.write(framed({ id: 0, method: 'hello', params: { version: 1, token, client: 'deaf' } }));
    let id = 0;
    const ask = (): void => {
      if (socket.destroyed) return;
      const params = { file: `/${'x'.repeat(2000)}` };
      for (let count = 0; count < 50; count++) socket.write(framed({ id: ++id, method: 'explain', params }));
      setImmediate(ask);
    };
    ask();
    // A paused socket does not see its end; one that reads again does.
    void server.line(/control client dropped/).then(() => socket.resume());
  });
  await unharmed(server, before);
  assert.ok(rssMb(server.pid) < rss + 60, `${rssMb(server.pid)} MB, before ${rss} MB`);
});

test('10,000 messages from a seed', async (t) => {
  const { project, server } = await serving(t);
  const seed = Number(process.env['GR_FUZZ_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`GR_FUZZ_SEED=${seed}`);
  const { token, socket } = server.registryEntry();
  const pids = server.pids();
  await fuzz({ socket, token }, 1, 500);
  // Some message will ask for the debug port, which stays open from then on.
  await server.control.request('inspect', {});
  const before = { descriptors: descriptors(server.pid) };
  const rss = rssMb(server.pid);
  const result = await fuzz({ socket, token }, seed, 10_000);
  t.diagnostic(`${JSON.stringify(result)}, ${rss} MB before, ${rssMb(server.pid)} MB after`);
  assert.equal(result.messages, 10_000);
  await unharmed(server, before);
  assert.deepEqual(server.pids(), pids);
  assert.ok(rssMb(server.pid) < rss + 60, `${rssMb(server.pid)} MB, before ${rss} MB`);
  const said = server.lines.filter((line) => line.includes('control'));
  assert.ok(said.length < 20, said.join('\n'));
  const { stdout } = await project.run(['status', '--json']);
  for (const text of [...server.lines, stdout, JSON.stringify(server.snapshots)])
    for (const secret of [token, 'xyzzy-4711']) assert.ok(!text.includes(secret));
});

test('a runtime folder that is a symlink, or that others may write to, is not used', async (t) => {
  const { project, server } = await serving(t);
  chmodSync(project.runtimeFolder, 0o777);
  const open = await project.run(['status']);
  assert.equal(open.code, 1);
  assert.match(open.stderr, /is open to other users \(mode 777, wanted 700\)/);
  chmodSync(project.runtimeFolder, 0o700);
  const moved = `${project.runtimeFolder}-moved`;
  renameSync(project.runtimeFolder, moved);
  symlinkSync(moved, project.runtimeFolder);
  for (const args of [['status'], ['start', 'app.cjs']]) {
    const { code, stderr } = await project.run(args);
    assert.equal(code, 1);
    assert.match(stderr, /symlinks are refused/);
  }
  assert.equal((await server.ask()).status, 200);
  // An entry of a process that is gone, and one whose pid another process has now.
  const own = `${project.runtimeFolder}-own`;
  mkdirSync(own, { mode: 0o700 });
  const entry = server.registryEntry();
  writeFileSync(`${own}/a.json`, JSON.stringify({ ...entry, pid: 4_000_000, socket: `${own}/a.sock` }));
  writeFileSync(`${own}/b.json`, JSON.stringify({ ...entry, pid: process.pid, socket: `${own}/b.sock` }));
  writeFileSync(`${own}/c.json`, '{"half');
  const { code, stderr } = await project.run(['status'], { env: { GRACEFUL_RELOAD_RUNTIME_DIR: own } });
  assert.equal(code, 3, stderr);
});
