/** Real frameworks, each a small app as its guide writes it: reloaded by saves under keep-alive load, and no request fails. */
import assert from 'node:assert/strict';
import { once, type EventEmitter } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fetch from 'node-fetch';
import { io } from 'socket.io-client';
import { Agent as UndiciAgent, Pool, request, type Dispatcher } from 'undici';
import { startClients } from './clients/strictClients.ts';
import { closeOf, echo, openWebSocket } from './clients/webSockets.ts';
import { Changes, LIMIT_MS } from './harness/events.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

/** Clients that keep one connection each for the whole test. */
const KEEPING = ['idle keep-alive', 'pipelined', 'half-sent head', 'slow upload', 'streamed response'];

interface App {
  readonly name: string;
  readonly workers: number;
  readonly file?: 'app.ts';
  readonly packages: readonly string[];
  readonly saves: number;
}

const apps: readonly App[] = [
  { name: 'express', workers: 2, packages: ['express'], saves: 5 },
  { name: 'express', workers: 1, packages: ['express'], saves: 5 },
  { name: 'fastify', workers: 2, packages: ['fastify'], saves: 4 },
  { name: 'koa', workers: 2, packages: ['koa'], saves: 5 },
  { name: 'hono', workers: 2, packages: ['hono', '@hono/node-server'], saves: 5 },
  {
    name: 'nest',
    workers: 2,
    file: 'app.ts',
    packages: ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'express', 'tsx'],
    // Takes seconds to boot.
    saves: 2,
  },
];

async function start(
  t: TestContext,
  { name, workers, file, packages }: App,
  args: readonly string[] = [],
): Promise<{ project: Project; server: Server; save: (turn: number) => Promise<void> }> {
  const project = Project.of(`frameworks/${name}`, t);
  for (const each of packages) project.link(each);
  const server = await project.ready([...args, '--workers', String(workers), file ?? 'app.js']);
  const save = async (turn: number): Promise<void> => {
    const word = file ? 'word.ts' : 'word.js';
    const report = await server.reloadBy(() => project.write(word, `export const word = 'word ${turn}';\n`));
    assert.equal(report.result, 'done', JSON.stringify(report.error));
    assert.equal(report.replaced, workers);
  };
  return { project, server, save };
}

/** What the old workers had under way has ended, and nothing of it was cut. */
async function assertNothingCut(server: Server): Promise<void> {
  const { reloads } = await server.settled();
  for (const { id, forcedKills, forcedConnections } of reloads)
    assert.equal(forcedKills + forcedConnections, 0, `cut in reload ${id}`);
}

for (const app of apps) {
  test(`${app.name}, ${app.workers} worker${app.workers > 1 ? 's' : ''}: ${app.saves} saves under load, 0 failed`, async (t) => {
    const { server, save } = await start(t, app);
    const clients = startClients({ host: 'localhost', port: server.port() }, 3, [...KEEPING, 'per request'], 15);
    t.after(() => clients.stop());
    for (let saved = 0; saved < app.saves; saved++) {
      await clients.answered(2);
      await save(saved + 2);
    }
    await clients.answered(1);
    const tallies = await clients.stop();
    for (const { name, asked, failures } of tallies)
      assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked} failed`);
    for (const { name, opened, clients: count } of tallies.filter((each) => KEEPING.includes(each.name)))
      assert.equal(opened, count, `${name}: each client still has its first connection`);
    assert.equal((await server.ask()).text, `word ${app.saves + 1}`);
    await assertNothingCut(server);
  });
}

/** Asks again and again, `atOnce` requests at a time, and tries nothing twice. */
class Asking {
  readonly failures: string[] = [];
  readonly words = new Set<string>();
  private readonly changes = new Changes();
  private readonly counts: number[];
  private readonly loops: Promise<void>[];
  private isOver = false;

  constructor(ask: () => Promise<{ status: number; text: string }>, atOnce: number) {
    this.counts = Array.from({ length: atOnce }, () => 0);
    this.loops = this.counts.map((_, index) => this.loop(ask, index));
  }

  answered(times: number): Promise<void> {
    const goals = this.counts.map((count) => count + times);
    const isThere = (): true | undefined => {
      assert.deepEqual(this.failures, []);
      return this.counts.every((count, index) => count >= goals[index]!) || undefined;
    };
    return this.changes.until(isThere, `${times} more answers each`, () => this.counts.join(' ')).then(() => undefined);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  private async loop(ask: () => Promise<{ status: number; text: string }>, index: number): Promise<void> {
    while (!this.isOver) {
      try {
        const { status, text } = await ask();
        if (status !== 200) throw new Error(`status ${status}: ${text}`);
        this.words.add(text);
        this.counts[index] = this.counts[index]! + 1;
      } catch (error) {
        this.failures.push(`${String(error)} ${String((error as Error).cause ?? '')}`);
      }
      this.changes.tell();
      await delay(10);
    }
  }
}

test('the pool and the agent of undici, and node-fetch with an agent: 0 failed, each with its first connections', async (t) => {
  const { server, save } = await start(t, { name: 'express', workers: 2, packages: ['express'], saves: 5 });
  const origin = `http://localhost:${server.port()}`;
  let opened = 0;
  const pool = new Pool(origin, { connections: 4, pipelining: 2 });
  const undiciAgent = new UndiciAgent({ connections: 4 });
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 4 });
  for (const dispatcher of [pool, undiciAgent]) dispatcher.on('connect', () => (opened += 1));
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    opened += 1;
    return createConnection(...args);
  };
  const read = async ({ statusCode, body }: Dispatcher.ResponseData): Promise<{ status: number; text: string }> => ({
    status: statusCode,
    text: await body.text(),
  });
  const clients = {
    pool: new Asking(async () => read(await pool.request({ path: '/', method: 'GET' })), 8),
    agent: new Asking(async () => read(await request(origin, { dispatcher: undiciAgent })), 4),
    uploads: new Asking(
      async () =>
        read(await request(`${origin}/upload`, { dispatcher: undiciAgent, method: 'POST', body: 'x'.repeat(16384) })),
      2,
    ),
    'node-fetch': new Asking(async () => {
      const response = await fetch(origin, { agent });
      return { status: response.status, text: await response.text() };
    }, 6),
  };
  t.after(async () => {
    for (const client of Object.values(clients)) await client.stop();
    await Promise.all([pool.close(), undiciAgent.close()]);
    agent.destroy();
  });
  for (let turn = 2; turn < 7; turn++) {
    for (const client of Object.values(clients)) await client.answered(3);
    await save(turn);
  }
  for (const client of Object.values(clients)) await client.answered(2);
  for (const [name, client] of Object.entries(clients)) {
    await client.stop();
    assert.deepEqual(client.failures, [], name);
    if (name !== 'uploads')
      assert.ok(client.words.has('word 6'), `${name} was answered by ${[...client.words].join()}`);
  }
  assert.equal(opened, 12, 'connections in all');
  await assertNothingCut(server);
});

test('ws: connections are closed with 1012 and the next ones get the new code', async (t) => {
  const { server, save } = await start(t, { name: 'ws', workers: 2, packages: ['ws'], saves: 5 });
  const load = startLoad(server.port(), t);
  const url = `ws://localhost:${server.port()}`;
  for (let turn = 2; turn < 7; turn++) {
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openWebSocket(url)));
    for (const socket of sockets) {
      assert.equal(await echo(socket, 'before'), `word ${turn - 1}: before`);
    }
    const closed = sockets.map(closeOf);
    await load.answered(2);
    await save(turn);
    for (const close of await Promise.all(closed)) assert.deepEqual(close, { code: 1012, wasClean: true });
    const { lastReload } = await server.settled();
    assert.equal(lastReload?.closedConnections.websocket, 10);
    assert.equal(lastReload?.forcedConnections, 0);
  }
  await load.answered(2);
  assert.deepEqual((await load.stop()).failures, []);
  const fresh = await openWebSocket(url);
  assert.equal(await echo(fresh, 'after'), 'word 6: after');
  fresh.close();
});

for (const transport of ['websocket', 'polling'] as const) {
  test(`socket.io over ${transport}: its client reconnects by itself and gets the new code`, async (t) => {
    // A poll that waits for news is a request under way: it is cut when the time to drain is over.
    const { server, save } = await start(
      t,
      { name: 'socket.io', workers: 1, packages: ['socket.io'], saves: 3 },
      transport === 'polling' ? ['--drain-timeout', '1s'] : [],
    );
    const sockets = Array.from({ length: 5 }, () =>
      io(`http://localhost:${server.port()}`, {
        transports: [transport],
        forceNew: true,
        reconnectionDelay: 20,
        reconnectionDelayMax: 50,
      }),
    );
    t.after(() => sockets.forEach((socket) => socket.disconnect()));
    const connected = (): Promise<void[]> =>
      Promise.all(
        sockets.map(async (socket) => {
          if (!socket.connected) await once(socket as unknown as EventEmitter, 'connect');
        }),
      );
    const ask = async (turn: number): Promise<void> => {
      for (const socket of sockets)
        assert.deepEqual(await socket.timeout(LIMIT_MS).emitWithAck('ask', turn), {
          word: `word ${turn}`,
          number: turn,
        });
    };
    await connected();
    await ask(1);
    for (let turn = 2; turn < 5; turn++) {
      const gone = sockets.map((socket) => once(socket as unknown as EventEmitter, 'disconnect') as Promise<[string]>);
      await save(turn);
      for (const [reason] of await Promise.all(gone))
        assert.match(reason, /^transport (close|error)$/, 'after which the client connects again');
      await connected();
      await ask(turn);
    }
    await server.settled();
    assert.equal(server.lastReload?.closedConnections.websocket, transport === 'websocket' ? 5 : 0);
    if (transport === 'websocket') await assertNothingCut(server);
  });
}
