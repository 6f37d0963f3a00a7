/** Connections that cannot simply move: each kind ends a reload in its own best way, and is counted. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import https from 'node:https';
import http2 from 'node:http2';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { RawHttp } from './clients/rawHttp.ts';
import { Project } from './harness/project.ts';
import type { Server, ServerOptions } from './harness/server.ts';

/** Addresses that the program listens on. */
const KINDS = 7;

async function start(
  t: TestContext,
  env: NodeJS.ProcessEnv = {},
  args: readonly string[] = [],
): Promise<{ project: Project; server: Server }> {
  const project = Project.of('kinds', t);
  const options: ServerOptions = { env: { UDP_PORT: String(await freeUdpPort()), ...env } };
  const server = await project.ready(['--drain-timeout', '3s', ...args, 'app.cjs'], options);
  // The first address makes it ready; the others follow.
  await server.until(
    () => server.snapshot.addresses.length === KINDS && server.lines.some((line) => line.includes('udp {')),
    'all addresses',
  );
  return { project, server };
}

async function freeUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(closed));
  return port;
}

/** The port that a worker of the first generation told. */
function portOf(server: Server, name: string): number {
  const line = server.lines.find((each) => each.includes(`${name} {`)) ?? '';
  const { port } = JSON.parse(line.slice(line.indexOf('{'))) as { port: number };
  return port;
}

const reload = (server: Server) => server.control.request('reload', {});

/** Reads until the text has come; fails when the connection ends before. */
function readUntil(socket: net.Socket, wanted: RegExp): Promise<string> {
  return new Promise((done, fail) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!wanted.test(text)) return;
      socket.off('data', onData);
      done(text);
    };
    socket.on('data', onData);
    socket.once('close', () => fail(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}

test('addresses of every kind stay the same over generations, port 0 included', async (t) => {
  const { server } = await start(t);
  const before = JSON.stringify(server.snapshot.addresses);
  for (let turn = 0; turn < 3; turn++) assert.equal((await reload(server)).result, 'done');
  assert.equal(JSON.stringify(server.snapshot.addresses), before);
  const second = await RawHttp.open({ host: 'localhost', port: portOf(server, 'second') });
  assert.equal((await second.get('/', 'Connection: close\r\n')).body, 'hello 4');
  second.close();
});

test('TLS: the answer under way comes from the old worker with Connection: close, new connections get the new code', async (t) => {
  const { server } = await start(t);
  const port = portOf(server, 'https');
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 1 });
  t.after(() => agent.destroy());
  const get = (path: string): Promise<{ body: string; connection: string | undefined }> =>
    new Promise((done, fail) => {
      https
        .get({ host: 'localhost', port, path, agent }, (response) => {
          let body = '';
          response.on('data', (chunk) => (body += String(chunk)));
          response.on('end', () => done({ body, connection: response.headers.connection }));
        })
        .on('error', fail);
    });
  assert.equal((await get('/')).body, 'hello 1');
  const slow = get('/wait/600');
  await server.line(/waiting 600/);
  const report = reload(server);
  assert.deepEqual(await slow, { body: 'hello 1', connection: 'close' });
  assert.equal((await get('/')).body, 'hello 2');
  await report;
  const last = await server.until(
    () => (server.lastReload?.closedConnections.tls ? server.lastReload : undefined),
    'the closed connection to be counted',
  );
  assert.equal(last.closedConnections.tls, 1);
});

test('HTTP/2: streams under way finish, then the session ends and the next one gets the new code', async (t) => {
  const { server } = await start(t);
  const origin = `http://localhost:${portOf(server, 'http2')}`;
  const session = http2.connect(origin);
  t.after(() => session.destroy());
  const get = async (on: http2.ClientHttp2Session, path: string): Promise<string> => {
    const stream = on.request({ ':path': path });
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    return body;
  };
  assert.equal(await get(session, '/'), 'hello 1');
  const slow = get(session, '/wait/500');
  await server.line(/waiting 500/);
  const closed = once(session, 'close');
  await Promise.all([reload(server), closed]);
  assert.equal(await slow, 'hello 1');
  const next = http2.connect(origin);
  assert.equal(await get(next, '/'), 'hello 2');
  next.destroy();
  const last = await server.until(
    () => (server.lastReload?.closedConnections.http2 ? server.lastReload : undefined),
    'the closed session to be counted',
  );
  assert.equal(last.closedConnections.http2, 1);
});

test('a WebSocket gets close frame 1012 between frames; raw TCP and event streams run on until the deadline', async (t) => {
  const { server } = await start(t, {}, ['--order', 'start-first']);
  const port = portOf(server, 'http');
  const socket = net.connect(port, 'localhost');
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await readUntil(socket, /\r\n\r\n/);
  const frames: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    frames.push(chunk);
    // The client's close, masked, as the protocol wants it.
    if (chunk[0] === 0x88) socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  });
  socket.resume();

  const raw = net.connect(portOf(server, 'tcp'), 'localhost');
  t.after(() => raw.destroy());
  await readUntil(raw, /\n/);
  const events = net.connect(port, 'localhost');
  t.after(() => events.destroy());
  events.write('GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  await readUntil(events, /data: 1\n\n/);

  const since = performance.now();
  const closed = once(socket, 'close');
  await Promise.all([reload(server), closed]);
  assert.deepEqual(Buffer.concat(frames), Buffer.from([0x88, 0x02, 0x03, 0xf4]), 'one close frame, nothing else');
  // The old worker still answers on what it cannot hand over.
  raw.write('echo me');
  assert.match(await readUntil(raw, /echo me/), /echo me/);
  events.resume();
  raw.resume();
  await Promise.all([once(raw, 'close'), once(events, 'close')]);
  const lasted = performance.now() - since;
  assert.ok(lasted > 1500, `cut after ${Math.round(lasted)} ms of 3,000`);
  const last = await server.until(
    () => (server.lastReload?.forcedConnections ? server.lastReload : undefined),
    'the forced connections to be counted',
  );
  assert.deepEqual(last.closedConnections, { tls: 0, http2: 0, websocket: 1, sse: 1, tcp: 1 });
  assert.equal(last.forcedConnections, 2);
  assert.equal(last.forcedKills, 0);
});

test('what is upgraded to something else, a tunnel and a refused WebSocket get no byte of ours and run until the deadline', async (t) => {
  const { server } = await start(t, {}, ['--order', 'start-first']);
  const open = async (head: string): Promise<net.Socket> => {
    const socket = net.connect(portOf(server, 'http'), 'localhost');
    t.after(() => socket.destroy());
    socket.write(`${head}Host: x\r\n\r\n`);
    await readUntil(socket, /\r\n\r\n/);
    return socket;
  };
  const upgrade = 'HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade:';
  const sockets = await Promise.all([
    open(`GET / ${upgrade} something-else\r\n`),
    open('CONNECT far.example:80 HTTP/1.1\r\n'),
    open(`GET /refused ${upgrade} websocket\r\n`),
  ]);
  const received = sockets.map((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const closed = sockets.map((socket) => once(socket, 'close'));
  assert.equal((await reload(server)).result, 'done');
  for (const socket of sockets) socket.write('still here');
  await Promise.all(closed);
  for (const chunks of received) assert.equal(Buffer.concat(chunks).toString('latin1'), '1 still here');
  const last = await server.until(
    () => (server.lastReload?.forcedConnections ? server.lastReload : undefined),
    'the forced connections to be counted',
  );
  assert.deepEqual(last.closedConnections, { tls: 0, http2: 0, websocket: 0, sse: 0, tcp: 3 });
  assert.equal(last.forcedConnections, 3);
});

test('a WebSocket that the program agrees to only during the drain gets the close frame after the answer', async (t) => {
  const { project, server } = await start(t, {}, ['--order', 'start-first']);
  const socket = net.connect(portOf(server, 'http'), 'localhost');
  t.after(() => socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(
    'GET /asks-first HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await server.line(/upgrade waits/);
  assert.equal((await reload(server)).result, 'done');
  project.write('agreed', '');
  await readUntil(socket, /\r\n\r\n[^]{4}/);
  const text = Buffer.concat(chunks).toString('latin1');
  assert.match(text, /^HTTP\/1\.1 101 /);
  assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), '\x88\x02\x03\xf4');
});

for (const unlink of [false, true]) {
  test(`a Unix socket is handed over${unlink ? ', also by a program that removes its path first' : ''}`, async (t) => {
    const { project, server } = await start(t, unlink ? { UNLINK: '1' } : {}, ['--workers', '2']);
    const path = project.path('app.sock');
    const kept = await RawHttp.open({ path });
    t.after(() => kept.close());
    await kept.get('/');
    for (let turn = 0; turn < 3; turn++) {
      assert.equal((await reload(server)).result, 'done');
      const fresh = await RawHttp.open({ path });
      assert.equal((await fresh.get('/')).headers.get('x-generation'), String(turn + 2));
      fresh.close();
      assert.equal((await kept.get('/')).headers.get('x-generation'), String(turn + 2));
    }
  });
}

test('UDP: no datagram is lost over reloads', async (t) => {
  const { server } = await start(t);
  const port = portOf(server, 'udp');
  const client = dgram.createSocket('udp4');
  t.after(() => client.close());
  client.bind(0, '127.0.0.1');
  await once(client, 'listening');
  const generations = new Set<string>();
  let isOver = false;
  const asking = (async () => {
    for (let number = 0; !isOver; number++) {
      const answer = once(client, 'message', { signal: AbortSignal.timeout(3000) }) as Promise<[Buffer]>;
      client.send(`n${number}`, port, '127.0.0.1');
      const [generation = '', echo] = String((await answer)[0]).split(' ');
      assert.equal(echo, `n${number}`);
      generations.add(generation);
    }
  })();
  for (let turn = 0; turn < 5; turn++) assert.equal((await reload(server)).result, 'done');
  isOver = true;
  await asking;
  assert.ok(generations.size >= 4, `answered by generations ${[...generations].join(', ')}`);
});

test('without the internals of Node a worker answers with Connection: close instead, says so, and fails nothing', async (t) => {
  const { server } = await start(t, { GRACEFUL_RELOAD_NO_HANDOFF: '1' });
  assert.equal(server.group().workers[0]?.fallback, 'connection-close');
  const port = portOf(server, 'http');
  const kept = await RawHttp.open({ host: 'localhost', port });
  assert.equal((await kept.get('/')).headers.get('connection'), 'keep-alive');
  await reload(server);
  const last = await kept.get('/');
  assert.equal(last.body, 'hello 1');
  assert.equal(last.headers.get('connection'), 'close');
  kept.close();
  const fresh = await RawHttp.open({ host: 'localhost', port });
  assert.equal((await fresh.get('/')).body, 'hello 2');
  fresh.close();
});
