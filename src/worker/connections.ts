/** The connections of a worker and what each is doing: counted for the status, and told apart for the drain. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Http2Session } from 'node:http2';
import {
  idleConnections,
  isHttpServer,
  onRequestStart,
  rawHandle,
  tcpSocketOf,
  waitWithoutLimit,
  type HttpSocket,
} from './internals.ts';
import { isTlsServer } from './listeners.ts';

export type ConnectionKind =
  /** HTTP/1 in plain text that waits for a next request of which nothing has been read. */
  | 'idle'
  /** HTTP/1 in plain text with a request under way. */
  | 'busy'
  /** TLS, with or without a request under way. */
  | 'tls'
  | 'http2'
  | 'websocket'
  | 'sse'
  /** Raw TCP, a tunnel, or upgraded to something unknown. */
  | 'tcp';

/** What an HTTP connection was upgraded to: a WebSocket only once the program has agreed to it. */
type Upgrade = 'none' | 'asked' | 'websocket' | 'other';

/** The longest time a timer can wait: a connection whose server sets no keep-alive limit. */
const NO_LIMIT_MS = 2 ** 31 - 1;

interface Known {
  readonly server: Server;
  /** Answers that are still to be given, or under way, in their order. */
  readonly answers: Set<ServerResponse>;
  /** The one that was told to close the connection. */
  closing: ServerResponse | undefined;
  isEventStream: boolean;
  upgrade: Upgrade;
  /** When the last answer ended. */
  idleSince: number;
  /** When an adopted connection that has carried nothing here yet is closed. */
  expiresAt: number | null;
  /** It moves to another worker: no limit of this one may close it on its way. */
  isLeaving: boolean;
}

export class Connections {
  requests = 0;
  readonly sessions = new Map<Http2Session, Socket | undefined>();
  private readonly known = new Map<HttpSocket, Known>();
  private onIdle: () => void = () => undefined;
  private isLastAnswer: ((socket: HttpSocket) => boolean) | undefined;

  constructor() {
    onRequestStart(({ request, response, socket }) => {
      this.requests += 1;
      // Most requests come in plain text, on the very socket that was accepted: nothing to look for, on the hottest path.
      const tcp = this.known.has(socket) ? socket : (tcpSocketOf(socket) ?? socket);
      const entry = this.known.get(tcp);
      if (!entry) return;
      entry.answers.add(response);
      if (this.isLastAnswer?.(tcp)) closeWithLast(entry);
      entry.isEventStream = request.headers.accept?.includes('text/event-stream') ?? false;
      response.once('close', () => {
        entry.answers.delete(response);
        entry.idleSince = performance.now();
        this.onIdle();
      });
    });
  }

  /** Those so far were none of the program's. */
  forgetRequests(): void {
    this.requests = 0;
  }

  watch(server: Server): void {
    server.prependListener('connection', (socket: HttpSocket) => {
      this.known.set(socket, {
        server,
        answers: new Set(),
        closing: undefined,
        isEventStream: false,
        upgrade: 'none',
        idleSince: performance.now(),
        expiresAt: null,
        isLeaving: false,
      });
      socket.once('close', () => {
        this.known.delete(socket);
        this.onIdle();
      });
      // One that was on its way when the drain began.
      this.onIdle();
    });
    // Not as listeners: where there were none, Node would begin to upgrade.
    const { emit } = server;
    (server as EventEmitter).emit = (event, ...args: unknown[]) => {
      if (event === 'upgrade' || event === 'connect') this.upgraded(event, args[0] as IncomingMessage);
      return (emit as EventEmitter['emit']).call(server, event, ...args);
    };
    server.on('session', (session: Http2Session) => {
      this.sessions.set(session, tcpSocketOf(session));
      session.once('close', () => {
        this.sessions.delete(session);
        this.onIdle();
      });
    });
  }

  /** Whether it becomes a WebSocket stands in the answer, which the program writes to the socket, maybe much later. */
  private upgraded(event: 'upgrade' | 'connect', { socket, headers }: IncomingMessage): void {
    const entry = this.known.get(socket);
    if (!entry) return;
    const isAsked = event === 'upgrade' && /\bwebsocket\b/i.test(headers.upgrade ?? '');
    entry.upgrade = isAsked ? 'asked' : 'other';
    if (isAsked) {
      onFirstWrite(socket, (text) => {
        entry.upgrade = text.startsWith('HTTP/1.1 101') ? 'websocket' : 'other';
        this.onIdle();
      });
    }
    this.onIdle();
  }

  /**
   * A connection that came from another worker has this much of its keep-alive time left. It must not look new to the
   * server, which would answer its silence with a 408.
   */
  keepFor(socket: HttpSocket, remainingMs: number): void {
    waitWithoutLimit(socket);
    const expiry = setTimeout(() => {
      // A request that came in time, while the connection was parked or this worker was busy, is read before immediates run.
      setImmediate(() => {
        if (socket.bytesRead === 0 && !entry?.isLeaving) socket.destroy();
      });
    }, remainingMs);
    expiry.unref();
    const entry = this.known.get(socket);
    if (entry) entry.expiresAt = performance.now() + remainingMs;
    socket.once('close', () => clearTimeout(expiry));
  }

  /** Ends the watch over an idle connection. What is left of its keep-alive time; null when it never carried a request. */
  letGo(socket: HttpSocket): number | null {
    const limit = socket.timeout ?? 0;
    socket.setTimeout(0);
    const entry = this.known.get(socket);
    if (!entry) return null;
    entry.isLeaving = true;
    if (socket.bytesRead === 0)
      return entry.expiresAt === null ? null : Math.max(1, entry.expiresAt - performance.now());
    if (limit === 0) return NO_LIMIT_MS;
    return Math.max(1, limit - (performance.now() - entry.idleSince));
  }

  /**
   * Calls back whenever a connection may have become idle or has gone.
   *
   * @param isLastAnswer whether a connection ends with its next answer; that one then says `Connection: close`
   */
  onDrain(onIdle: () => void, isLastAnswer: (socket: HttpSocket) => boolean): void {
    this.onIdle = onIdle;
    this.isLastAnswer = isLastAnswer;
    for (const [socket, entry] of this.known) if (isLastAnswer(socket)) closeWithLast(entry);
  }

  get count(): number {
    return this.known.size;
  }

  get inFlight(): number {
    let sum = 0;
    for (const entry of this.known.values()) sum += entry.answers.size;
    return sum;
  }

  isTls(socket: HttpSocket): boolean {
    const server = this.known.get(socket)?.server;
    return server !== undefined && isTlsServer(server);
  }

  /** Every connection with what it is doing now. */
  classify(): { socket: HttpSocket; server: Server; kind: ConnectionKind }[] {
    const idle = new Map<Server, Set<Socket>>();
    const idleOf = (server: Server): Set<Socket> => {
      let set = idle.get(server);
      if (!set) idle.set(server, (set = idleConnections(server)));
      return set;
    };
    const ofSessions = new Set(this.sessions.values());
    return [...this.known].map(([socket, entry]) => ({
      socket,
      server: entry.server,
      kind: kindOf(socket, entry, idleOf, ofSessions),
    }));
  }
}

function onFirstWrite(socket: Socket, tell: (text: string) => void): void {
  const write = socket.write as (chunk: string | Uint8Array, ...more: unknown[]) => boolean;
  let isFirst = true;
  socket.write = (chunk: string | Uint8Array, ...more: unknown[]) => {
    const isFree = write.call(socket, chunk, ...more);
    if (isFirst) tell(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'));
    isFirst = false;
    return isFree;
  };
}

/** Pipelined requests that were read are all answered: Node closes after the first answer that says so. */
function closeWithLast(entry: Known): void {
  const { closing } = entry;
  if (closing?.headersSent) return;
  const last = [...entry.answers].at(-1);
  if (!last || last === closing || last.headersSent || !last.shouldKeepAlive) return;
  if (closing) closing.shouldKeepAlive = true;
  last.shouldKeepAlive = false;
  entry.closing = last;
}

function kindOf(
  socket: HttpSocket,
  entry: Known,
  idleOf: (server: Server) => Set<Socket>,
  ofSessions: Set<Socket | undefined>,
): ConnectionKind {
  const { server } = entry;
  if (ofSessions.has(socket)) return 'http2';
  if (isTlsServer(server)) return 'tls';
  if (!isHttpServer(server)) return 'tcp';
  if (entry.answers.size > 0) return entry.isEventStream ? 'sse' : 'busy';
  if (entry.upgrade === 'asked') return 'busy';
  if (entry.upgrade !== 'none') return entry.upgrade === 'websocket' ? 'websocket' : 'tcp';
  if (!socket.parser && socket.bytesRead > 0) return 'tcp';
  const quiet =
    rawHandle(socket) !== null &&
    !socket.destroyed &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !socket._httpMessage;
  return quiet && (socket.bytesRead === 0 || idleOf(server).has(socket)) ? 'idle' : 'busy';
}
