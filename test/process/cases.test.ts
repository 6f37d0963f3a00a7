/** The promises that other supervisors are measured by, each under the letter that the survey of them gave it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MatrixClients } from './clients/matrixClients.ts';
import { RawHttp } from './clients/rawHttp.ts';
import { closeOf, openWebSocket } from './clients/webSockets.ts';
import { Changes } from './harness/events.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

async function start(
  t: TestContext,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ project: Project; server: Server; openGate: () => void }> {
  const project = Project.of('cases', t);
  project.link('ws');
  const server = await project.ready([...args, 'app.cjs'], { env });
  let turn = 0;
  return { project, server, openGate: () => project.writeAtomically('gate', String(++turn)) };
}

const target = (server: Server) => ({ host: '127.0.0.1', port: server.port() });
const reload = (server: Server) => server.control.request('reload', {});

for (const workers of [1, 2, 4]) {
  test(`A. ${workers} worker${workers > 1 ? 's' : ''}: every way to ask times every kind of request over 5 reloads, 0 failed`, async (t) => {
    const { project, server, openGate } = await start(t, ['--workers', String(workers), '--drain-timeout', '1m'], {
      UNIX: '1',
    });
    await server.until(() => server.snapshot.addresses.length === 2, 'both addresses');
    const tcp = server.snapshot.addresses.find(({ protocol }) => protocol === 'tcp')?.port ?? 0;
    const clients = new MatrixClients(
      { TCP: { host: 'localhost', port: tcp }, 'Unix socket': { path: project.path('app.sock') } },
      `ws://localhost:${tcp}`,
    );
    t.after(() => clients.stop());
    for (let turn = 0; turn < 5; turn++) {
      await clients.allUnderWay();
      const report = await reload(server);
      assert.equal(report.result, 'done');
      clients.nextTurn();
      openGate();
      await server.settled();
    }
    await clients.allUnderWay();
    const stopped = clients.stop();
    openGate();
    await stopped;
    for (const { name, failures, done, opened } of clients.cells) {
      assert.deepEqual(failures, [], `${name}: ${failures.length} failed, ${done} done`);
      assert.ok(done >= 5, `${name}: done ${done} times`);
      if (!name.startsWith('new')) assert.equal(opened, 1, `${name}: it still has its first connection`);
    }
    for (const { name, failures, codes, opened } of clients.upgraded) {
      assert.deepEqual(failures, [], name);
      assert.equal(codes.length, opened, `${name}: all were closed`);
      // The first reload may meet one that still connects: that one moves.
      assert.ok(codes.filter((code) => code === 1012).length >= 4, `${name}: closed with ${codes.join(' ')}`);
    }
    for (const { id, forcedKills, forcedConnections } of server.snapshot.reloads)
      assert.equal(forcedKills + forcedConnections, 0, `cut in reload ${id}`);
  });
}

/** A request whose answer is read as it comes. */
function openStream(server: Server, path: string): Promise<{ response: IncomingMessage; text: Promise<string> }> {
  return new Promise((done, fail) => {
    http
      .get({ ...target(server), path, agent: false }, (response) => {
        let text = '';
        const whole = new Promise<string>((ended, cut) => {
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
            done({ response, text: whole });
          });
          response.once('end', () => ended(text));
          response.once('error', cut);
        });
        whole.catch(() => undefined);
      })
      .on('error', fail);
  });
}

test('B. open streams end where they began, while the new code answers everybody else', async (t) => {
  const { server, openGate } = await start(t);
  const [before] = server.pids();
  const streams = await Promise.all(Array.from({ length: 5 }, () => openStream(server, '/stream')));
  let ended = 0;
  for (const { response } of streams) response.once('end', () => (ended += 1));
  assert.equal((await reload(server)).result, 'done');
  for (let request = 0; request < 10; request++) assert.equal((await server.ask()).headers['x-generation'], '2');
  assert.equal(ended, 0, 'all are open');
  const old = server.group().workers.filter(({ state }) => state === 'draining');
  assert.deepEqual(
    old.map(({ pid }) => pid),
    [before],
  );
  openGate();
  for (const { response, text } of streams) {
    assert.match(await text, /^start.* end$/);
    assert.equal(response.headers['x-pid'], String(before));
    assert.equal(response.headers['x-generation'], '1');
  }
  await server.settled();
  assert.equal(isAlive(before!), false);
  assert.equal(server.lastReload?.forcedConnections, 0);
});

const PIPELINE = ['/gated', '/', '/gated'];

for (const mode of ['hand-off', 'fallback'] as const) {
  test(`C. pipelined requests that were read are all answered; ${mode === 'hand-off' ? 'none closes the connection, which then moves' : 'without hand-off the last one closes the connection'}`, async (t) => {
    const { server, openGate } = await start(t, [], mode === 'fallback' ? { GRACEFUL_RELOAD_NO_HANDOFF: '1' } : {});
    const connection = await RawHttp.open(target(server));
    t.after(() => connection.close());
    const answers = PIPELINE.map(() => connection.expect());
    connection.write(PIPELINE.map((path) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`).join(''));
    // Read in one piece: once the worker counts one of them it has them all.
    await server.snapshotWith(
      (snapshot) => server.ready('main', snapshot)[0]?.inFlight === PIPELINE.length,
      'all requests to be read',
    );
    assert.equal((await reload(server)).result, 'done');
    openGate();
    const got = await Promise.all(answers);
    assert.deepEqual(
      got.map(({ body, headers }) => [body, headers.get('x-generation')]),
      [
        ['waited', '1'],
        ['hello', '1'],
        ['waited', '1'],
      ],
    );
    const last = mode === 'hand-off' ? 'keep-alive' : 'close';
    assert.deepEqual(
      got.map(({ headers }) => headers.get('connection')),
      ['keep-alive', 'keep-alive', last],
    );
    if (mode === 'hand-off') {
      await server.settled();
      assert.equal((await connection.get('/')).headers.get('x-generation'), '2');
    } else {
      await once(connection.socket, 'close');
      assert.equal(connection.failure?.message, 'the server closed the connection', 'without an error');
    }
  });
}

test('D. an idle connection is not reset when it is used in the moment of the drain, and has the new code after it', async (t) => {
  const { project, server } = await start(t);
  for (let turn = 2; turn < 5; turn++) {
    const [old] = server.pids();
    const connections = await Promise.all(Array.from({ length: 40 }, () => RawHttp.open(target(server))));
    await Promise.all(connections.map((connection) => connection.get('/')));
    // Stopped, the old worker gets the word to drain and the next requests in one and the same turn of its loop.
    process.kill(old!, 'SIGSTOP');
    const report = await server.reloadBy(() => project.write('word.cjs', `exports.word = 'turn ${turn}';\n`));
    assert.equal(report.result, 'done');
    const used = connections.filter((_, index) => index % 2 === 0).map((connection) => connection.get('/word'));
    process.kill(old!, 'SIGCONT');
    for (const { status } of await Promise.all(used)) assert.equal(status, 200);
    await server.settled();
    for (const connection of connections) assert.equal((await connection.get('/word')).body, `turn ${turn}`);
    assert.equal(server.lastReload?.forcedConnections, 0);
    for (const connection of connections) connection.close();
  }
});

/** Some 20 connections, of which the first has another worker than at least one of the rest: the system gives an idle worker as many as it likes. */
async function onBothWorkers(server: Server): Promise<RawHttp[]> {
  const opened: { connection: RawHttp; pid: string | undefined }[] = [];
  while (new Set(opened.map(({ pid }) => pid)).size < 2) {
    const batch = Array.from({ length: 20 }, async () => {
      const connection = await RawHttp.open(target(server));
      return { connection, pid: (await connection.get('/')).headers.get('x-pid') };
    });
    opened.push(...(await Promise.all(batch)));
  }
  return opened.map(({ connection }) => connection);
}

test('E. requests that never end hold nothing up: they are cut at the drain timeout, and what was cut is told', async (t) => {
  const { server } = await start(t, ['--workers', '2', '--drain-timeout', '1s']);
  const before = server.pids();
  const [busy, ...stuck] = await onBothWorkers(server);
  t.after(() => [busy!, ...stuck].forEach((connection) => connection.close()));
  const answers = stuck.map((connection) => connection.get('/stuck'));
  const isStuck = (line: string): boolean => line.endsWith('stuck');
  await server.until(() => server.lines.filter(isStuck).length === stuck.length, 'all to be stuck');
  // One worker does not even turn its loop any more.
  answers.push(busy!.get('/busy'));
  await server.line(/busy/);
  const report = await reload(server);
  assert.equal(report.result, 'done');
  assert.equal(report.replaced, 2);
  for (const result of await Promise.allSettled(answers)) assert.equal(result.status, 'rejected');
  await server.settled();
  const after = server.pids();
  assert.equal(after.length, 2, 'the slots are back');
  for (const pid of before) {
    assert.equal(isAlive(pid!), false);
    assert.ok(!after.includes(pid));
  }
  const { lastReload } = await server.snapshotWith(({ lastReload }) => lastReload?.forcedKills === 1, 'one kill');
  const cut = lastReload?.forcedConnections ?? 0;
  assert.ok(cut > 0 && cut <= stuck.length, `${cut} connections cut by the worker that could still tell`);
  assert.equal((await server.ask()).headers['x-generation'], '2');
});

test('F. a group that does not reload keeps its 50 sockets over 20 reloads of the other, which closes its own with 1012', async (t) => {
  const project = Project.of('cases', t);
  project.link('ws');
  const server = await project.ready(['boot.cjs']);
  const portOf = (group: string): number => server.group(group).addresses[0]?.port ?? 0;
  const sockets = await Promise.all(
    Array.from({ length: 50 }, () => openWebSocket(`ws://localhost:${portOf('gateway')}`)),
  );
  t.after(() => sockets.forEach((socket) => socket.close()));
  let closed = 0;
  const changes = new Changes();
  const received = sockets.map((socket) => {
    const texts: string[] = [];
    socket.addEventListener('message', ({ data }) => {
      texts.push(String(data));
      changes.tell();
    });
    socket.addEventListener('close', () => (closed += 1));
    return texts;
  });
  const [gateway] = server.pids('gateway');
  for (let turn = 0; turn < 20; turn++) {
    const web = await openWebSocket(`ws://localhost:${portOf('web')}`);
    const end = closeOf(web);
    for (const socket of sockets) socket.send(`first ${turn}`);
    const done = server.reloadBy(() => project.write('word.cjs', `exports.word = '${turn}';\n`));
    for (const socket of sockets) socket.send(`second ${turn}`);
    assert.equal((await done).result, 'done');
    assert.deepEqual(await end, { code: 1012, wasClean: true });
  }
  await server.settled();
  await changes.until(
    () => received.every((texts) => texts.length >= 40),
    'all echoes',
    () => received.map((texts) => texts.length).join(' '),
  );
  const wanted = Array.from({ length: 20 }, (_, turn) => [`first ${turn}`, `second ${turn}`]).flat();
  for (const texts of received)
    assert.deepEqual(
      texts,
      wanted.map((text) => `${gateway} ${text}`),
    );
  assert.equal(closed, 0);
  assert.deepEqual(server.pids('gateway'), [gateway]);
});

const UPGRADE = [
  'GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n',
  'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
] as const;
const CLOSE_1012 = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

/** A connection whose bytes are looked at one by one. */
class RawSocket {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private readonly changes = new Changes();

  constructor(server: Server) {
    this.socket = connect(target(server));
    this.closed = once(this.socket, 'close');
    this.socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.changes.tell();
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** What came after the head of the answer, once that is as much. */
  async afterHead(bytes: number): Promise<Buffer> {
    const rest = (): Buffer | undefined => {
      if (this.length < bytes) return undefined;
      const { received } = this;
      const end = received.indexOf('\r\n\r\n');
      return end < 0 || received.length < end + 4 + bytes ? undefined : received.subarray(end + 4);
    };
    return this.changes.until(rest, `${bytes} bytes`, () => `${this.length} bytes came, head included`);
  }

  /** The client's own close, masked, as the protocol wants it. */
  async close(): Promise<void> {
    this.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    await this.closed;
  }
}

test('F. a request that becomes an upgraded connection while its worker drains is closed with 1012 too', async (t) => {
  const { server } = await start(t);
  const client = new RawSocket(server);
  t.after(() => client.socket.destroy());
  await once(client.socket, 'connect');
  client.socket.write(UPGRADE[0]);
  // A request that comes after it: when that is answered, the half of the head has been read.
  assert.equal((await server.ask()).status, 200);
  assert.equal((await reload(server)).result, 'done');
  client.socket.write(UPGRADE[1]);
  assert.deepEqual((await client.afterHead(4)).subarray(0, 4), CLOSE_1012);
  assert.match(client.received.toString('latin1'), /^HTTP\/1\.1 101 /);
  await client.close();
  await server.settled();
  assert.equal(server.lastReload?.closedConnections.websocket, 1);
  assert.equal(server.lastReload?.forcedConnections, 0);
});

test('F. a WebSocket that has not taken in all that was sent gets the close frame after it', async (t) => {
  const { server } = await start(t);
  const client = new RawSocket(server);
  t.after(() => client.socket.destroy());
  client.socket.write(UPGRADE.join(''));
  await client.afterHead(0);
  client.socket.pause();
  client.socket.write(Buffer.concat([Buffer.from([0x81, 0x83, 0, 0, 0, 0]), Buffer.from('big')]));
  await server.line(/big sent/);
  assert.equal((await reload(server)).result, 'done');
  client.socket.resume();
  const frame = 10 + 16 * 1024 * 1024;
  assert.deepEqual((await client.afterHead(frame + 4)).subarray(frame, frame + 4), CLOSE_1012);
  await client.close();
  await server.settled();
  assert.equal(server.lastReload?.forcedConnections, 0);
});

test('M. one worker, stop-first: the port is never refused, not even while nobody runs', async (t) => {
  const { project, server } = await start(t, ['--order', 'stop-first'], { SLOW_BOOT: '300' });
  const load = startLoad(server.port(), t, '/word');
  for (let turn = 2; turn < 5; turn++) {
    await load.answered(3);
    const reloaded = server.reloadBy(() => project.writeAtomically('word.cjs', `exports.word = 'turn ${turn}';\n`));
    await server.snapshotWith(
      (snapshot) => server.group('main', snapshot).workers.every(({ state }) => state === 'starting'),
      'the gap',
    );
    const connections = await Promise.all(Array.from({ length: 20 }, () => RawHttp.open(target(server))));
    for (const answer of await Promise.all(connections.map((connection) => connection.get('/word'))))
      assert.equal(answer.body, `turn ${turn}`);
    for (const connection of connections) connection.close();
    assert.equal((await reloaded).result, 'done');
  }
  await load.answered(3);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, [], `of ${answers.length} requests`);
  assert.equal(answers.at(-1)?.text, 'turn 4');
});

for (const workers of [1, 2]) {
  test(`N. ${workers} worker${workers > 1 ? 's' : ''}: at a stop answers are followed by resets, and these by refusals, never mixed`, async (t) => {
    const { server } = await start(t, ['--workers', String(workers)]);
    const outcomes: Promise<'answer' | 'reset' | 'refusal'>[] = [];
    let answers = 0;
    let refusals = 0;
    const ask = async (): Promise<'answer' | 'reset' | 'refusal'> => {
      let connection: RawHttp;
      try {
        connection = await RawHttp.open(target(server));
      } catch (error) {
        // What else may go wrong ends the test too: as a refusal that comes too early.
        const isReset = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (!isReset) refusals += 1;
        return isReset ? 'reset' : 'refusal';
      }
      try {
        assert.equal((await connection.get('/pause', 'Connection: close\r\n')).status, 200);
        answers += 1;
        return 'answer';
      } catch {
        return 'reset';
      } finally {
        connection.close();
      }
    };
    let stopped: Promise<number | null> | undefined;
    while (refusals < 3) {
      outcomes.push(ask());
      if (answers >= 10) stopped ??= server.stop();
      await delay(15);
    }
    const order = await Promise.all(outcomes);
    const ranks = order.map((outcome) => ['answer', 'reset', 'refusal'].indexOf(outcome));
    assert.deepEqual(
      ranks,
      [...ranks].sort((a, b) => a - b),
      order.join(' '),
    );
    assert.ok(answers >= 10);
    assert.equal(await stopped, 0);
  });
}
