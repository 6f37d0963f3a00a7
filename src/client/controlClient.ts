/** A connection to one server's master: typed requests, snapshots as they come, and the end of the connection. */
import { connect, type Socket } from 'node:net';
import {
  ConnectionError,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import {
  CONTROL_VERSION,
  controlMethods,
  errorDataSchema,
  SNAPSHOT_NOTIFICATION,
  type ControlMethod,
  type ControlParams,
  type ControlResult,
} from '../protocol/control.ts';
import type { RegistryEntry } from '../protocol/registry.ts';
import { snapshotSchema, type Snapshot } from '../protocol/status.ts';
import { messageOf, UserError } from '../protocol/userError.ts';

const CONNECT_TIMEOUT_MS = 10_000;

export class ControlClient {
  readonly entry: RegistryEntry;
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  private readonly connection: MessageConnection;
  private readonly socket: Socket;
  private hasEnded = false;

  private constructor(entry: RegistryEntry, socket: Socket) {
    this.entry = entry;
    this.socket = socket;
    const reader = new StreamMessageReader(socket);
    // Its timer for half a message would go on after the end of the connection.
    reader.partialMessageTimeout = 0;
    this.connection = createMessageConnection(reader, new StreamMessageWriter(socket));
    this.connection.onError(() => socket.destroy());
    this.closed = new Promise((done) => socket.once('close', () => done()));
    // What waits for an answer is rejected by this, and what is asked later is as well.
    void this.closed.then(() => {
      this.hasEnded = true;
      this.connection.dispose();
    });
    this.connection.listen();
  }

  /**
   * @param clientName who asks, for the master's log
   * @throws UserError `no-server` when the server has just gone, `internal` when it speaks another protocol
   */
  static async connect(entry: RegistryEntry, clientName: string): Promise<ControlClient> {
    const socket = await openSocket(entry);
    const client = new ControlClient(entry, socket);
    try {
      await client.request('hello', { version: CONTROL_VERSION, token: entry.token, client: clientName });
      return client;
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  /** @throws UserError with the server's code; `no-server` when the connection has ended, or ends before the answer */
  async request<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> {
    let answer: unknown;
    try {
      answer = await this.connection.sendRequest(method, params);
    } catch (error) {
      if (this.hasEnded || isEndOfConnection(error))
        throw new UserError('no-server', `${this.entry.name} (pid ${this.entry.pid}) has ended.`);
      if (!(error instanceof ResponseError)) throw error;
      const data = errorDataSchema.safeParse(error.data);
      throw new UserError(data.success ? data.data.code : 'internal', error.message);
    }
    return controlMethods[method].result.parse(answer) as ControlResult<M>;
  }

  /**
   * Calls `onSnapshot` with the present state at once and then after every change.
   *
   * @param figures whether live figures of the workers are looked at
   */
  async subscribe(onSnapshot: (snapshot: Snapshot) => void, figures = true): Promise<void> {
    this.connection.onNotification(SNAPSHOT_NOTIFICATION, (params: unknown) => {
      const snapshot = snapshotSchema.safeParse(params);
      if (snapshot.success) onSnapshot(snapshot.data);
    });
    onSnapshot(await this.request('subscribe', { figures }));
  }

  dispose(): void {
    this.hasEnded = true;
    this.socket.destroy();
  }
}

/** The library answers in place of a server that can no longer do it. */
function isEndOfConnection(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const codes: number[] = [ErrorCodes.PendingResponseRejected, ErrorCodes.MessageWriteError];
  return error instanceof ResponseError && codes.includes(error.code);
}

function openSocket(entry: RegistryEntry): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(entry.socket);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('the server does not answer')));
    socket.once('error', (error) => {
      fail(new UserError('no-server', `${entry.name} (pid ${entry.pid}) cannot be reached: ${messageOf(error)}.`));
    });
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.on('error', () => undefined);
      done(socket);
    });
  });
}
