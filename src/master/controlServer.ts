/** The master's end of the control wire: checks who calls and what is asked, answers, and pushes snapshots to subscribers. */
import { timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { isWindows } from '../platform/processes.ts';
import {
  CONTROL_VERSION,
  controlMethods,
  MAX_MESSAGE_BYTES,
  SNAPSHOT_NOTIFICATION,
  type ControlMethod,
  type ControlParams,
  type ControlResult,
} from '../protocol/control.ts';
import { describeIssues } from '../protocol/bootstrap.ts';
import type { Snapshot } from '../protocol/status.ts';
import { isUserError, messageOf, UserError } from '../protocol/userError.ts';
import { CalmLog } from './calmLog.ts';
import type { Logger } from './logger.ts';

/** What is not read by then is not wanted: the client is dropped. */
const MAX_UNREAD_BYTES = 8_000_000;
const MAX_CLIENTS = 200;
const HELLO_TIMEOUT_MS = 10_000;
/** Of one that has not said who it is. */
const MAX_HELLO_BYTES = 10_000;
/** Requests of one client that are worked on at the same time, and those that wait behind them. */
const MAX_PARALLEL = 50;
const MAX_WAITING = 1000;
/** JSON-RPC leaves these numbers to the application; what counts is the code in `data`. */
const REFUSED = -32_001;

export type ControlHandlers = {
  readonly [M in Exclude<ControlMethod, 'hello' | 'subscribe'>]: (
    params: ControlParams<M>,
    /** Who asks, for as long as the connection lasts. */
    client: object,
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

interface Client {
  readonly socket: Socket;
  readonly connection: MessageConnection;
  isKnown: boolean;
  isSubscribed: boolean;
  /** Somebody looks at its figures. */
  wantsFigures: boolean;
  /** Messages that have come and nobody has looked at yet. */
  waiting: number;
  /** The last message has gone out. */
  written: Promise<void>;
}

export class ControlServer {
  private readonly server: Server;
  private readonly clients = new Set<Client>();
  private readonly answers = new Set<Promise<unknown>>();
  private readonly token: Buffer;
  private readonly handlers: ControlHandlers;
  private readonly snapshot: () => Snapshot;
  private readonly onWatchers: (count: number) => void;
  private readonly onGone: (client: object) => void;
  private readonly log: Logger;
  private readonly calmLog: CalmLog;

  constructor(
    token: string,
    handlers: ControlHandlers,
    snapshot: () => Snapshot,
    onWatchers: (count: number) => void,
    onGone: (client: object) => void,
    log: Logger,
  ) {
    this.token = Buffer.from(token);
    this.handlers = handlers;
    this.snapshot = snapshot;
    this.onWatchers = onWatchers;
    this.onGone = onGone;
    this.log = log;
    this.calmLog = new CalmLog(log);
    this.server = createServer((socket) => this.accept(socket));
    // Such as no descriptor left for a connection: those that are open go on.
    this.server.on('error', (error) => {
      if (this.server.listening) this.calmLog.error(`a control client cannot connect: ${error.message}`);
    });
  }

  /** Also once more, where the socket has been taken away: clients that are connected stay so. */
  listen(path: string): Promise<void> {
    return new Promise((done, fail) => {
      this.server.close();
      // One that was killed may have left its own there, and have had the same pid, as the first process of a container.
      if (!isWindows) rmSync(path, { force: true });
      this.server.once('error', fail);
      this.server.listen(path, () => {
        this.server.removeListener('error', fail);
        try {
          if (!isWindows) chmodSync(path, 0o600);
          done();
        } catch (error) {
          fail(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  /** Sends the snapshot to everyone who subscribed. */
  push(snapshot: Snapshot): void {
    for (const client of this.clients) {
      if (!client.isSubscribed) continue;
      if (client.socket.writableLength > MAX_UNREAD_BYTES) this.drop(client, 'it does not read what it asked for');
      else void client.connection.sendNotification(SNAPSHOT_NOTIFICATION, snapshot).catch(() => undefined);
    }
  }

  get subscribers(): number {
    return [...this.clients].filter(({ isSubscribed }) => isSubscribed).length;
  }

  /** Those who look at figures. */
  get watchers(): number {
    return [...this.clients].filter(({ wantsFigures }) => wantsFigures).length;
  }

  /** Gives every answer that is due, then hangs up. */
  async close(): Promise<void> {
    this.server.close();
    await Promise.allSettled(this.answers);
    await new Promise((done) => setImmediate(done));
    await Promise.allSettled([...this.clients].map(({ written }) => written));
    for (const { socket } of this.clients) socket.end();
    this.calmLog.dispose();
  }

  private accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.clients.size >= MAX_CLIENTS && !this.makeRoom()) {
      this.calmLog.error(`control client refused: ${MAX_CLIENTS} are connected`);
      socket.destroy();
      return;
    }
    const reader = new StreamMessageReader(socket);
    // Its timer for half a message would go on after the end of the connection.
    reader.partialMessageTimeout = 0;
    const writer = new StreamMessageWriter(socket);
    const connection = createMessageConnection(reader, writer, undefined, {
      maxParallelism: MAX_PARALLEL,
      messageStrategy: {
        handleMessage: (message, handle) => {
          client.waiting -= 1;
          // What is left of a client that was dropped is not worked on.
          return socket.destroyed ? undefined : handle(message);
        },
      },
    });
    const client: Client = {
      ...{ socket, connection, isKnown: false, isSubscribed: false, wantsFigures: false, waiting: 0 },
      written: Promise.resolve(),
    };
    const write = writer.write.bind(writer);
    writer.write = (message) => (client.written = write(message));
    this.clients.add(client);
    const impatience = setTimeout(() => {
      if (!client.isKnown) this.drop(client, 'it did not say who it is');
    }, HELLO_TIMEOUT_MS);
    this.limitMessages(client, reader);
    socket.once('close', () => {
      clearTimeout(impatience);
      this.clients.delete(client);
      connection.dispose();
      if (client.wantsFigures) this.onWatchers(this.watchers);
      this.onGone(client);
    });
    connection.onError(() => this.drop(client, 'it sent something that is no message'));
    connection.onRequest((method, params) => {
      const answer = this.answer(client, method, params);
      this.answers.add(answer);
      return answer.finally(() => this.answers.delete(answer));
    });
    connection.onUnhandledNotification(() => {
      if (!client.isKnown) this.drop(client, 'it did not say who it is first');
    });
    connection.listen();
  }

  /** Whoever has not said who it is goes first, so that nobody keeps others out by connecting alone. */
  private makeRoom(): boolean {
    const stranger = [...this.clients].find(({ isKnown }) => !isKnown);
    if (stranger) {
      this.drop(stranger, 'it did not say who it is');
      this.clients.delete(stranger);
    }
    return stranger !== undefined;
  }

  private limitMessages(client: Client, reader: StreamMessageReader): void {
    let unread = 0;
    client.socket.on('data', (chunk: Buffer) => {
      unread += chunk.length;
      const most = client.isKnown ? MAX_MESSAGE_BYTES : MAX_HELLO_BYTES;
      if (unread > most) this.drop(client, `it sent a message of more than ${most} bytes`);
    });
    const listen = reader.listen.bind(reader);
    reader.listen = (callback) =>
      listen((message) => {
        unread = 0;
        if (client.socket.destroyed) return;
        client.waiting += 1;
        if (client.waiting > MAX_WAITING) this.drop(client, 'it asks faster than it can be answered');
        else if (client.socket.writableLength > MAX_UNREAD_BYTES)
          this.drop(client, 'it does not read what it asked for');
        else callback(message);
      });
    reader.onError(() => this.drop(client, 'it sent something that is no message'));
  }

  private async answer(client: Client, method: string, params: unknown): Promise<unknown> {
    try {
      if (!client.isKnown && method !== 'hello') {
        this.dropLater(client, 'it did not say who it is first');
        throw new UserError('usage', 'say hello with the token first');
      }
      if (!isMethod(method))
        return new ResponseError(ErrorCodes.MethodNotFound, `unknown method ${method.slice(0, 100)}`, {
          code: 'usage',
        });
      const parsed = controlMethods[method].params.safeParse(params ?? {});
      if (!parsed.success) throw new UserError('usage', `${method}: ${describeIssues(parsed.error)}`);
      if (method === 'hello') return this.hello(client, parsed.data as ControlParams<'hello'>);
      if (method === 'subscribe') return this.subscribe(client, parsed.data as ControlParams<'subscribe'>);
      const handler = this.handlers[method] as (given: unknown, from: object) => unknown;
      return await handler(parsed.data, client);
    } catch (error) {
      if (isUserError(error)) return new ResponseError(REFUSED, error.message, { code: error.code });
      this.log.error(
        `control request ${method}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      return new ResponseError(ErrorCodes.InternalError, messageOf(error), { code: 'internal' });
    }
  }

  private hello(client: Client, { version, token }: ControlParams<'hello'>): ControlResult<'hello'> {
    const given = Buffer.from(token);
    if (given.length !== this.token.length || !timingSafeEqual(given, this.token)) {
      this.dropLater(client, 'its token is wrong');
      throw new UserError('usage', 'the token is wrong');
    }
    if (version !== CONTROL_VERSION) {
      this.dropLater(client, 'it speaks another version');
      throw new UserError(
        'usage',
        `this server speaks version ${CONTROL_VERSION} of the control protocol, not ${version}: use the same release of Graceful Reload for both`,
      );
    }
    client.isKnown = true;
    return { version: CONTROL_VERSION, pid: process.pid };
  }

  private subscribe(client: Client, { figures = true }: ControlParams<'subscribe'>): Snapshot {
    client.isSubscribed = true;
    client.wantsFigures = figures;
    this.onWatchers(this.watchers);
    return this.snapshot();
  }

  private drop(client: Client, why: string): void {
    if (client.socket.destroyed) return;
    this.calmLog.error(`control client dropped: ${why}`);
    client.socket.destroy();
  }

  /** With its answer still to come. */
  private dropLater(client: Client, why: string): void {
    setImmediate(() => void client.written.catch(() => undefined).finally(() => this.drop(client, why)));
  }
}

function isMethod(method: string): method is ControlMethod {
  return Object.hasOwn(controlMethods, method);
}
