/** The master's end of the control wire: checks who calls and what is asked, answers, and pushes snapshots to subscribers. */
import { timingSafeEqual } from 'node:crypto';
import { chmodSync } from 'node:fs';
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
import type { Logger } from './logger.ts';

/** What is not read by then is not wanted: the client is dropped. */
const MAX_UNREAD_BYTES = 8_000_000;
const MAX_CLIENTS = 200;
const HELLO_TIMEOUT_MS = 10_000;
/** JSON-RPC leaves these numbers to the application; what counts is the code in `data`. */
const REFUSED = -32_001;

export type ControlHandlers = {
  readonly [M in Exclude<ControlMethod, 'hello' | 'subscribe'>]: (
    params: ControlParams<M>,
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

interface Client {
  readonly socket: Socket;
  readonly connection: MessageConnection;
  isKnown: boolean;
  isSubscribed: boolean;
  /** Somebody looks at its figures. */
  wantsFigures: boolean;
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
  private readonly log: Logger;

  constructor(
    token: string,
    handlers: ControlHandlers,
    snapshot: () => Snapshot,
    onWatchers: (count: number) => void,
    log: Logger,
  ) {
    this.token = Buffer.from(token);
    this.handlers = handlers;
    this.snapshot = snapshot;
    this.onWatchers = onWatchers;
    this.log = log;
    this.server = createServer((socket) => this.accept(socket));
  }

  listen(path: string): Promise<void> {
    return new Promise((done, fail) => {
      this.server.once('error', fail);
      this.server.listen(path, () => {
        if (!isWindows) chmodSync(path, 0o600);
        done();
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
  }

  private accept(socket: Socket): void {
    if (this.clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    const reader = new StreamMessageReader(socket);
    // Its timer for half a message would go on after the end of the connection.
    reader.partialMessageTimeout = 0;
    const writer = new StreamMessageWriter(socket);
    const connection = createMessageConnection(reader, writer);
    const client: Client = {
      socket,
      connection,
      isKnown: false,
      isSubscribed: false,
      wantsFigures: false,
      written: Promise.resolve(),
    };
    const write = writer.write.bind(writer);
    writer.write = (message) => (client.written = write(message));
    this.clients.add(client);
    const impatience = setTimeout(() => {
      if (!client.isKnown) this.drop(client, 'it did not say who it is');
    }, HELLO_TIMEOUT_MS);
    this.limitMessages(client, reader);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(impatience);
      this.clients.delete(client);
      connection.dispose();
      if (client.wantsFigures) this.onWatchers(this.watchers);
    });
    connection.onError(() => this.drop(client, 'it sent something that is no message'));
    connection.onRequest((method, params) => {
      const answer = this.answer(client, method, params);
      this.answers.add(answer);
      return answer.finally(() => this.answers.delete(answer));
    });
    connection.listen();
  }

  private limitMessages(client: Client, reader: StreamMessageReader): void {
    let unread = 0;
    client.socket.on('data', (chunk: Buffer) => {
      unread += chunk.length;
      if (unread > MAX_MESSAGE_BYTES) this.drop(client, `it sent a message of more than ${MAX_MESSAGE_BYTES} bytes`);
    });
    const listen = reader.listen.bind(reader);
    reader.listen = (callback) =>
      listen((message) => {
        unread = 0;
        callback(message);
      });
    reader.onError(() => this.drop(client, 'it sent something that is no message'));
  }

  private async answer(client: Client, method: string, params: unknown): Promise<unknown> {
    try {
      if (!isMethod(method))
        return new ResponseError(ErrorCodes.MethodNotFound, `unknown method ${method.slice(0, 100)}`, {
          code: 'usage',
        });
      const parsed = controlMethods[method].params.safeParse(params ?? {});
      if (!parsed.success) throw new UserError('usage', `${method}: ${describeIssues(parsed.error)}`);
      if (method === 'hello') return this.hello(client, parsed.data as ControlParams<'hello'>);
      if (!client.isKnown) throw new UserError('usage', 'say hello with the token first');
      if (method === 'subscribe') return this.subscribe(client, parsed.data as ControlParams<'subscribe'>);
      const handler = this.handlers[method] as (given: unknown) => unknown;
      return await handler(parsed.data);
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
      setImmediate(() => this.drop(client, 'its token is wrong'));
      throw new UserError('usage', 'the token is wrong');
    }
    if (version !== CONTROL_VERSION) {
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
    this.log.error(`control client dropped: ${why}`);
    client.socket.destroy();
  }
}

function isMethod(method: string): method is ControlMethod {
  return Object.hasOwn(controlMethods, method);
}
