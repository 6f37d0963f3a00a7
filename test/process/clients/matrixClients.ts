/**
 * Every way to reach a server times every kind of request, all at once. The long kinds are under way from one turn to the
 * next: whoever reloads in between knows that all of them lived through it.
 */
import type { NetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Changes } from '../harness/events.ts';
import { RawHttp, type Answer } from './rawHttp.ts';
import { closeOf, openWebSocket } from './webSockets.ts';

const UPLOAD = 5 * 1024 * 1024;
const CHUNK = 64 * 1024;
const ways = ['new connection', 'keep-alive', 'pipelined'] as const;
const kinds = ['GET', 'POST 16 KiB', 'POST 5 MiB, slowly', 'slow answer', 'streamed answer'] as const;
type Way = (typeof ways)[number];
type Kind = (typeof kinds)[number];

export interface Cell {
  readonly name: string;
  /** Carried out in full. */
  done: number;
  opened: number;
  readonly failures: string[];
}

/** Of one upgraded connection after another: how each ended. */
interface Upgraded extends Cell {
  readonly codes: number[];
}

export class MatrixClients {
  readonly cells: Cell[] = [];
  readonly upgraded: Upgraded[] = [];
  private readonly loops: Promise<void>[] = [];
  private readonly changes = new Changes();
  /** The turn in which each client began what it is at; null between two. */
  private readonly began: (number | null)[] = [];
  private turn = 0;
  private isOver = false;

  constructor(targets: Readonly<Record<string, NetConnectOpts>>, webSocket: string) {
    for (const [where, target] of Object.entries(targets))
      for (const way of ways)
        for (const kind of kinds) {
          const cell = { name: `${way}, ${kind}, ${where}`, done: 0, opened: 0, failures: [] };
          this.cells.push(cell);
          this.loops.push(this.loop(cell, new HttpClient(target, way, kind, cell, this)));
        }
    for (const kind of kinds) {
      const cell = { name: `upgraded, ${kind}`, done: 0, opened: 0, failures: [], codes: [] };
      this.upgraded.push(cell);
      this.loops.push(this.loop(cell, new UpgradedClient(webSocket, kind, cell, this)));
    }
  }

  /** Resolves when every client is at something that it began in this turn; rejects once one has failed. */
  async allUnderWay(): Promise<void> {
    const isSo = (): boolean => {
      const failed = [...this.cells, ...this.upgraded].find(({ failures }) => failures.length > 0);
      if (failed) throw new Error(`${failed.name}: ${failed.failures[0]}`);
      return this.began.every((turn) => turn === this.turn);
    };
    const facts = (): string =>
      [...this.cells, ...this.upgraded].map(({ name }, index) => `${name}: ${this.began[index]}`).join('\n');
    await this.changes.until(isSo, `every client in turn ${this.turn}`, facts);
  }

  nextTurn(): void {
    this.turn += 1;
    this.changes.tell();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    this.nextTurn();
    await Promise.all(this.loops);
  }

  get isStopping(): boolean {
    return this.isOver;
  }

  /** @param busy is called again and again, with a pause, until the turn is over */
  async untilNextTurn(busy: () => void): Promise<void> {
    for (const turn = this.turn; this.turn === turn; await delay(40)) busy();
  }

  private async loop(cell: Cell, client: HttpClient | UpgradedClient): Promise<void> {
    const index = this.began.push(null) - 1;
    while (!this.isOver) {
      try {
        await client.once(() => {
          this.began[index] = this.turn;
          this.changes.tell();
        });
        cell.done += 1;
      } catch (error) {
        cell.failures.push(error instanceof Error ? error.message : String(error));
        this.changes.tell();
      }
      await delay(40);
    }
    client.end();
  }
}

class HttpClient {
  private readonly target: NetConnectOpts;
  private readonly way: Way;
  private readonly kind: Kind;
  private readonly cell: Cell;
  private readonly matrix: MatrixClients;
  private kept: RawHttp | undefined;

  constructor(target: NetConnectOpts, way: Way, kind: Kind, cell: Cell, matrix: MatrixClients) {
    this.target = target;
    this.way = way;
    this.kind = kind;
    this.cell = cell;
    this.matrix = matrix;
  }

  async once(onBegan: () => void): Promise<void> {
    if (!this.kept || this.kept.failure) {
      this.cell.opened += 1;
      this.kept = await RawHttp.open(this.target);
    }
    const connection = this.kept;
    onBegan();
    if (this.way !== 'pipelined') {
      const { answer } = await this.send(connection, this.kind, this.way === 'new connection');
      check(await answer, this.kind);
    } else {
      // Nobody waits for an answer before the next request is sent.
      const sent: { kind: Kind; answer: Promise<Answer> }[] = [];
      for (const kind of ['GET', this.kind, 'GET'] as const)
        sent.push({ kind, answer: (await this.send(connection, kind)).answer });
      for (const { kind, answer } of sent) check(await answer, kind);
    }
    if (this.way === 'new connection') this.end();
  }

  end(): void {
    this.kept?.close();
    this.kept = undefined;
  }

  /** Resolves once the request is written. */
  private async send(connection: RawHttp, kind: Kind, isLast = false): Promise<{ answer: Promise<Answer> }> {
    const answer = connection.expect();
    const lines: Record<Kind, string> = {
      GET: 'GET / HTTP/1.1',
      'POST 16 KiB': 'POST /upload HTTP/1.1\r\nContent-Length: 16384',
      'POST 5 MiB, slowly': `POST /upload HTTP/1.1\r\nContent-Length: ${UPLOAD}`,
      'slow answer': 'GET /gated HTTP/1.1',
      'streamed answer': 'GET /stream HTTP/1.1',
    };
    connection.write(`${lines[kind]}\r\nHost: test\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`);
    if (kind === 'POST 16 KiB') connection.write('x'.repeat(16384));
    if (kind === 'POST 5 MiB, slowly') await this.upload(connection);
    return { answer };
  }

  private async upload(connection: RawHttp): Promise<void> {
    let left = UPLOAD;
    const write = (size: number): void => {
      connection.write('x'.repeat(size));
      left -= size;
    };
    // The last byte is for the next turn, however long that takes to come.
    await this.matrix.untilNextTurn(() => {
      if (left > CHUNK) write(CHUNK);
    });
    write(left);
  }
}

function check({ status, headers, body }: Answer, kind: Kind): void {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 80)}`);
  const parts = /^start((?: \d+)+) end$/.exec(body)?.[1]?.trim().split(' ');
  const isRight = {
    GET: body === 'hello',
    'POST 16 KiB': body === 'got 16384',
    'POST 5 MiB, slowly': body === `got ${UPLOAD}`,
    'slow answer': body === 'waited',
    'streamed answer': parts?.every((part, index) => part === String(index + 1)) ?? false,
  }[kind];
  if (!isRight) throw new Error(`unexpected answer to ${kind}: ${body.slice(0, 80)}`);
  if (!headers.has('x-generation')) throw new Error('no generation');
}

/** Says the same over an upgraded connection until that is closed: the server must do it in the way of the protocol. */
class UpgradedClient {
  private readonly url: string;
  private readonly kind: Kind;
  private readonly cell: Upgraded;
  private readonly matrix: MatrixClients;

  constructor(url: string, kind: Kind, cell: Upgraded, matrix: MatrixClients) {
    this.url = url;
    this.kind = kind;
    this.cell = cell;
    this.matrix = matrix;
  }

  async once(onConnected: () => void): Promise<void> {
    const socket = await openWebSocket(this.url);
    this.cell.opened += 1;
    const closed = closeOf(socket);
    await this.talk(socket, onConnected);
    const { code, wasClean } = await closed;
    this.cell.codes.push(code);
    if (code !== 1012 && !(code === 1000 && this.matrix.isStopping)) throw new Error(`closed with ${code}`);
    if (!wasClean) throw new Error(`closed with ${code}, but not in the way of the protocol`);
  }

  end(): void {
    // Each connection was closed in its turn.
  }

  private async talk(socket: WebSocket, onConnected: () => void): Promise<void> {
    const received: string[] = [];
    socket.addEventListener('message', ({ data }) => received.push(String(data)));
    if (this.kind === 'slow answer') socket.send('gated');
    if (this.kind === 'streamed answer') socket.send('stream');
    let sent = 0;
    while (socket.readyState === socket.OPEN) {
      // One that was connected to a new worker lives on in the next turn.
      onConnected();
      if (this.kind === 'GET') socket.send(`hello ${sent++}`);
      if (this.kind === 'POST 16 KiB') socket.send(`${sent++} `.padEnd(16384, 'x'));
      if (this.kind === 'POST 5 MiB, slowly') socket.send(new Uint8Array(CHUNK));
      await delay(40);
      if (this.matrix.isStopping) socket.close(1000);
    }
    if (this.kind === 'GET' || this.kind === 'POST 16 KiB') {
      const numbers = received.map((text) => Number.parseInt(text.replace('hello ', ''), 10));
      if (!numbers.every((number, index) => number === index)) throw new Error(`out of order: ${numbers.join(' ')}`);
    }
  }
}
