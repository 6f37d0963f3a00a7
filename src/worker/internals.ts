/**
 * Every part of Node that is not documented and that a worker relies on: in this one file, each with the versions it was
 * seen in, tested when a worker starts, with what happens where it is missing.
 */
import type dgram from 'node:dgram';
import diagnosticsChannel from 'node:diagnostics_channel';
import http from 'node:http';
import type { Http2Session } from 'node:http2';
import Module from 'node:module';
import net from 'node:net';

/** `net.Socket._handle` and `net.Server._handle`: libuv's TCP or Pipe object. Seen in 20, 22, 24, 26. */
export interface RawHandle {
  onconnection: ((status: number, client: RawHandle | undefined) => void) | null;
  listen(backlog: number): number;
  readStop(): number;
  readStart(): number;
  close(done?: () => void): void;
  ref(): void;
  unref(): void;
  getsockname?(out: object): number;
  fd?: number;
}

export const rawHandle = (owner: net.Server | net.Socket): RawHandle | null =>
  (owner as unknown as { _handle: RawHandle | null })._handle ?? null;
export const setRawHandle = (owner: net.Server, handle: RawHandle | null): void => {
  (owner as unknown as { _handle: RawHandle | null })._handle = handle;
};

export type Listen2 = (
  this: net.Server,
  address: string | null,
  port: number | null,
  addressType: number,
  backlog: number | undefined,
  fd: number | undefined,
  flags: number | undefined,
) => void;

/** Called by every `listen()` after its arguments are read and the host is resolved; kept by Node "to avoid breaking code that wraps this method". Seen in 20, 22, 24, 26. */
export const listenPrototype = net.Server.prototype as unknown as { _listen2?: Listen2 };

/** The parser of an HTTP connection, with its number for the callback at the start of a message. Seen in 20, 22, 24, 26. */
type HttpParser = { socket: net.Socket | null; constructor: { kOnMessageBegin?: number } } & Record<number, unknown>;

export interface HttpSocket extends net.Socket {
  parser?: HttpParser | null;
  _httpMessage?: http.ServerResponse | null;
}

/**
 * Lets a connection wait for its next request without limit. To the server an adopted connection looks new, so its silence
 * would be answered with a 408 after `headersTimeout`: the check finds the socket through the parser, which gets it back as
 * soon as a request begins. (`parser.remove()` would say the same, but from 24 on the parser is dead after it.)
 */
export function waitWithoutLimit(socket: HttpSocket): void {
  const { parser } = socket;
  const begin = parser?.constructor.kOnMessageBegin;
  if (!parser || begin === undefined) return;
  const before = parser[begin];
  parser.socket = null;
  parser[begin] = (...args: unknown[]): unknown => {
    parser.socket = socket;
    parser[begin] = before;
    return typeof before === 'function' ? (before as (...given: unknown[]) => unknown).apply(parser, args) : undefined;
  };
}

interface ConnectionsList {
  idle(): { socket?: net.Socket | null }[];
}

/** The list of parsers of an HTTP server, under the symbol `http.server.connections`. Seen in 20, 22, 24, 26. */
function connectionsOf(server: net.Server): ConnectionsList | undefined {
  const symbol = Object.getOwnPropertySymbols(server).find(
    (candidate) => candidate.description === 'http.server.connections',
  );
  return symbol && (server as unknown as Record<symbol, ConnectionsList>)[symbol];
}

/** Connections of an HTTP server that have answered everything and have read nothing of a next request. */
export function idleConnections(server: net.Server): Set<net.Socket> {
  const idle = connectionsOf(server)?.idle() ?? [];
  return new Set(idle.flatMap((parser) => (parser.socket ? [parser.socket] : [])));
}

/** Reads nothing from now on, also when a stream of Node's has it in mind to go on reading. */
export function stopReading(handle: RawHandle): void {
  handle.readStop();
  handle.readStart = () => 0;
}

/**
 * The TCP socket below a TLS or HTTP/2 one. `session.socket` is a proxy of its own; the socket stands under the symbol
 * `socket`. Seen in 20, 22, 24, 26.
 */
export function tcpSocketOf(owner: Http2Session | net.Socket): net.Socket | undefined {
  const symbol = Object.getOwnPropertySymbols(owner).find((candidate) => candidate.description === 'socket');
  const socket =
    owner instanceof net.Socket ? owner : symbol && (owner as unknown as Record<symbol, net.Socket>)[symbol];
  return (socket as { _parent?: net.Socket } | undefined)?._parent ?? socket;
}

export function isHttpServer(server: net.Server): boolean {
  return typeof (server as http.Server).closeIdleConnections === 'function';
}

/** libuv's UDP object behind a datagram socket, under the symbol `state symbol`. Seen in 20, 22, 24, 26. */
export interface DatagramHandle extends Pick<RawHandle, 'close'> {
  recvStart(): number;
  recvStop(): number;
}

export function datagramHandle(socket: dgram.Socket): DatagramHandle | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find((candidate) => candidate.description === 'state symbol');
  return symbol && (socket as unknown as Record<symbol, { handle?: DatagramHandle }>)[symbol]?.handle;
}

interface InternalMessages extends NodeJS.EventEmitter {
  send?: (message: object, handle?: unknown, options?: object, done?: (error: Error | null) => void) => boolean;
}

/** Node emits it for messages whose `cmd` starts with `NODE_`, and `message` for all others. Seen in 20, 22, 24, 26. */
export function onInternalMessage(
  process: object,
  listener: (message: { readonly cmd?: unknown; readonly [key: string]: unknown }, handle?: RawHandle) => void,
): void {
  (process as InternalMessages).on('internalMessage', (message, handle) => listener(message ?? {}, handle));
}

/** @param done called once the message is on its way with its handle, or cannot be sent */
export function sendInternal(child: object, message: object, handle?: RawHandle, done?: () => void): void {
  (child as InternalMessages).send?.(message, handle, { keepOpen: true }, done ?? (() => undefined));
}

export type RunMain = (...args: unknown[]) => void;
/** Runs the entry; documented as a place to hook in ("monkey-patchable"). Seen in 20, 22, 24, 26. */
export const moduleWithRunMain = Module as unknown as { runMain: RunMain };

export type DiagnosticsRequest = {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  socket: HttpSocket;
  server: http.Server;
};

export function onRequestStart(listener: (event: DiagnosticsRequest) => void): void {
  diagnosticsChannel.subscribe('http.server.request.start', (event) => listener(event as DiagnosticsRequest));
}

/**
 * Whether idle connections can be moved between processes here. Where they cannot, a draining worker answers the next
 * request on each with `Connection: close`.
 */
export function canMoveConnections(): boolean {
  if (process.env['GRACEFUL_RELOAD_NO_HANDOFF'] === '1' || process.platform === 'win32') return false;
  const server = http.createServer();
  // Node sets the list up when a server listens; this one never does.
  server.emit('listening');
  const canTell = typeof connectionsOf(server)?.idle === 'function';
  server.close();
  return canTell && typeof listenPrototype._listen2 === 'function';
}
