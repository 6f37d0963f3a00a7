/**
 * UDP sockets, handed over like listening handles: the first worker binds and donates a copy, later ones are given it, and
 * the kernel keeps what arrives while nobody reads. Windows cannot pass UDP handles between processes: there each worker
 * binds for itself.
 */
import dgram from 'node:dgram';
import type { Address } from '../protocol/status.ts';
import type { Channel } from './channel.ts';
import { datagramHandle, type DatagramHandle } from './internals.ts';
import type { Settling } from './settling.ts';

type Bind = (this: dgram.Socket, ...args: unknown[]) => dgram.Socket;

export class Datagrams {
  private readonly given = new Map<string, DatagramHandle>();
  private readonly bound = new Map<dgram.Socket, DatagramHandle>();
  private readonly whenAdmitted: (() => void)[] = [];
  private readonly channel: Channel;
  private readonly reportsWritten: () => number;
  private readonly settling: Settling;
  private isAdmitted = false;

  constructor(channel: Channel, reportsWritten: () => number, settling: Settling) {
    this.channel = channel;
    this.reportsWritten = reportsWritten;
    this.settling = settling;
  }

  install(): void {
    if (process.platform === 'win32') return;
    const prototype = dgram.Socket.prototype as unknown as { bind: Bind };
    const original = prototype.bind;
    const bind = this.bind.bind(this, original);
    prototype.bind = function (...args) {
      return bind(this, args);
    };
  }

  give(key: string, handle: DatagramHandle): void {
    this.given.set(key, handle);
  }

  forget(key: string): void {
    this.given.get(key)?.close();
    this.given.delete(key);
  }

  get isBound(): boolean {
    return this.bound.size > 0;
  }

  admit(): void {
    this.isAdmitted = true;
    for (const admit of this.whenAdmitted.splice(0)) admit();
  }

  /** What arrives from now on is for another worker; answers can still be sent. */
  stopReceiving(): void {
    for (const handle of this.bound.values()) handle.recvStop();
  }

  private bind(original: Bind, socket: dgram.Socket, args: unknown[]): dgram.Socket {
    const key = keyOf(socket, args);
    if (key === undefined) return original.apply(socket, args);
    const handle = this.given.get(key);
    this.given.delete(key);
    socket.once('listening', () => {
      const own = handle ?? datagramHandle(socket);
      if (!own) return;
      this.bound.set(socket, own);
      socket.once('close', () => this.bound.delete(socket));
      if (!handle) this.channel.send({ t: 'donate', key }, own);
      this.channel.send({
        t: 'listening',
        key,
        address: addressOf(socket),
        isTls: false,
        reports: this.reportsWritten(),
      });
      this.settling.begin();
    });
    if (!handle) return original.apply(socket, args);
    const done = args.find((arg) => typeof arg === 'function') as (() => void) | undefined;
    if (done) socket.once('listening', done);
    if (!this.isAdmitted) this.waitToReceive(handle);
    // Node takes a bound handle in place of a port.
    return original.call(socket, handle);
  }

  private waitToReceive(handle: DatagramHandle): void {
    const own = handle as { recvStart?: DatagramHandle['recvStart'] };
    const release = this.channel.hold();
    own.recvStart = () => 0;
    this.whenAdmitted.push(() => {
      delete own.recvStart;
      release();
      handle.recvStart();
    });
  }
}

/** Undefined for what cannot be shared: a port that the system chooses, an exclusive or foreign socket. */
function keyOf(socket: dgram.Socket, args: readonly unknown[]): string | undefined {
  const [first, second] = args;
  const options = (typeof first === 'object' && first !== null ? first : { port: first, address: second }) as {
    port?: unknown;
    address?: unknown;
    exclusive?: boolean;
    fd?: number;
  };
  const port = Number(options.port);
  if (options.exclusive || options.fd !== undefined || !Number.isInteger(port) || port <= 0) return undefined;
  const { type } = socket as unknown as { type: string };
  return `udp|${typeof options.address === 'string' ? options.address : ''}|${port}|${type}`;
}

function addressOf(socket: dgram.Socket): Address {
  const { address, port } = socket.address();
  return { protocol: 'udp', host: address, port };
}
