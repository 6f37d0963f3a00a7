/**
 * Listening addresses of a worker. The first worker of a group binds an address itself, natively, and donates a copy of
 * the handle to the master; later workers are given it before their entry runs. Nothing is accepted before the master
 * admits the worker: an inherited handle is not listened on yet, a fresh one passes what it accepts on to the master.
 */
import { errorMonitor, type EventEmitter } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { ListenKey } from '../protocol/worker.ts';
import type { Address } from '../protocol/status.ts';
import { AddressKeys, PIPE } from './addressKeys.ts';
import type { Channel } from './channel.ts';
import { listenPrototype, rawHandle, setRawHandle, type Listen2, type RawHandle } from './internals.ts';
import type { Settling } from './settling.ts';
import { remoteHandle, standIn } from './standIns.ts';

const BACKLOG = 511;
export type Accept = NonNullable<RawHandle['onconnection']>;

interface Listening {
  readonly server: net.Server;
  readonly backlog: number;
  /** Also where the server has given it away: in a program's own `node:cluster` the primary takes it for itself. */
  handle: RawHandle | undefined;
  /** A primary of the program's own `node:cluster` has taken the handle, and passes on what it accepts. */
  isTaken: boolean;
  /** Starts to accept. */
  admit: () => void;
  /** Node's own handler of a new connection; undefined until the server listens. */
  accept: Accept | undefined;
}

export class Listeners {
  private readonly given = new Map<ListenKey, RawHandle>();
  private readonly listening = new Map<ListenKey, Listening>();
  private readonly keys = new AddressKeys();
  private readonly waiting = new Map<
    number,
    (handle: RawHandle | undefined, error?: { code: string; message: string }) => void
  >();
  private readonly channel: Channel;
  private readonly acceptsInMaster: boolean;
  private readonly onServer: (server: net.Server) => void;
  private readonly onPassedOn: (connection: RawHandle) => void;
  private readonly reportsWritten: () => number;
  private readonly pending = new Set<net.Server>();
  private readonly passedOver = new WeakSet<net.Server>();
  private onSettled: () => void = () => undefined;
  private readonly settling: Settling;
  private lastNeed = 0;
  private isAdmitted = false;
  private isDraining = false;

  /**
   * @param acceptsInMaster nothing is bound here: the master accepts and passes connections on
   * @param onServer called once for each server that listens
   * @param onPassedOn called for each connection that the program's own `node:cluster` is about to pass to a child
   * @param reportsWritten writes out the reports of loaded files and counts them
   */
  constructor(
    channel: Channel,
    acceptsInMaster: boolean,
    onServer: (server: net.Server) => void,
    onPassedOn: (connection: RawHandle) => void,
    reportsWritten: () => number,
    settling: Settling,
  ) {
    this.channel = channel;
    this.acceptsInMaster = acceptsInMaster;
    this.onServer = onServer;
    this.onPassedOn = onPassedOn;
    this.reportsWritten = reportsWritten;
    this.settling = settling;
  }

  install(): void {
    const original = listenPrototype._listen2;
    if (typeof original !== 'function') return;
    const listen = this.listen.bind(this, original);
    listenPrototype._listen2 = function (...args) {
      listen(this, args);
    };
    this.countPending();
    this.channel.on('granted', ({ id, address, error }, handle) => {
      this.waiting.get(id)?.(address ? this.remote(address) : handle, error);
      this.waiting.delete(id);
    });
  }

  /** A handle of the master's, before the entry runs. */
  give(key: ListenKey, handle: RawHandle): void {
    this.given.set(key, handle);
  }

  /** The master accepts at that address. */
  giveAddress(key: ListenKey, address: Address): void {
    this.given.set(key, this.remote(address));
  }

  private remote(address: Address): RawHandle {
    return remoteHandle(address, () => this.channel.hold());
  }

  /** The address is free for others: as long as one copy is open it would not be. */
  forget(key: ListenKey): void {
    this.given.get(key)?.close();
    this.given.delete(key);
  }

  /** It is none of the program's: it listens as if we were not there. */
  passOver(server: net.Server): void {
    this.passedOver.add(server);
  }

  /** Calls back once no `listen()` is under way; at once when none is. */
  whenSettled(done: () => void): void {
    if (this.pending.size === 0) done();
    else this.onSettled = done;
  }

  /** From the call of `listen()`, before a host name is resolved, to its outcome. */
  private countPending(): void {
    const prototype = net.Server.prototype as unknown as { listen: (...args: unknown[]) => net.Server };
    const { listen } = prototype;
    const { pending, passedOver } = this;
    // `errorMonitor` sees an error without counting as its handler.
    const outcomes = ['listening', 'close', errorMonitor];
    const onPending = (server: net.Server): void => {
      const settle = (): void => {
        for (const outcome of outcomes) server.removeListener(outcome, settle);
        // Later, since an error that nobody handles ends the process first: it never was ready.
        if (pending.delete(server) && pending.size === 0) setImmediate(() => this.onSettled());
      };
      pending.add(server);
      for (const outcome of outcomes) (server as EventEmitter).on(outcome, settle);
    };
    prototype.listen = function (this: net.Server, ...args) {
      if (!pending.has(this) && !passedOver.has(this)) onPending(this);
      return listen.apply(this, args);
    };
  }

  servers(): net.Server[] {
    return [...this.listening.values()].map(({ server }) => server);
  }

  keyOf(server: net.Server): ListenKey | undefined {
    return [...this.listening].find(([, entry]) => entry.server === server)?.[0];
  }

  admit(): void {
    if (this.isAdmitted) return;
    this.isAdmitted = true;
    for (const entry of this.listening.values()) entry.admit();
  }

  /** Goes on with a connection that another worker let go of. Undefined when nobody here listens on that address. */
  adopt(key: ListenKey, handle: RawHandle): net.Socket | undefined {
    const entry = this.listening.get(key);
    const listener = entry && rawHandle(entry.server);
    if (!listener || !entry.accept || this.isDraining) return undefined;
    return adoptBy(entry.server, entry.accept, handle);
  }

  /**
   * Accepts nothing any more. The kernel's queue belongs to the shared socket and loses nothing. The servers go on to
   * look as if they listened, so that the program's own shutdown code finds what it expects.
   */
  stopAccepting(): void {
    this.isDraining = true;
    for (const { server, handle } of this.listening.values()) {
      if (!handle) continue;
      if (rawHandle(server) === handle) setRawHandle(server, standIn(handle));
      handle.onconnection = null;
      handle.close();
    }
  }

  private listen(original: Listen2, server: net.Server, args: Parameters<Listen2>): void {
    const [address, port, addressType, backlog, fd] = args;
    if (rawHandle(server) || typeof fd === 'number' || this.passedOver.has(server)) {
      original.apply(server, args);
      return;
    }
    const key = this.keys.next(address, port, addressType);
    const entry: Listening = {
      server,
      backlog: backlog || BACKLOG,
      handle: undefined,
      isTaken: false,
      admit: () => undefined,
      accept: undefined,
    };
    const handle = this.given.get(key);
    if (handle) {
      this.given.delete(key);
      this.listenOn(original, entry, args, key, handle);
    } else if (this.acceptsInMaster || addressType === PIPE) {
      // Whoever binds a Unix socket removes its path when it closes: the master must be the one.
      this.need(original, entry, args, key, null);
    } else {
      this.bind(original, entry, args, key);
    }
  }

  /** A handle of the master's: bound already, listened on at admission. */
  private listenOn(
    original: Listen2,
    entry: Listening,
    args: Parameters<Listen2>,
    key: ListenKey,
    handle: RawHandle,
  ): void {
    entry.handle = handle;
    if (!this.isAdmitted) {
      const { listen } = handle;
      handle.listen = () => 0;
      // Not listened on, the handle would not keep the process alive.
      const release = this.channel.hold();
      let isClosed = false;
      entry.server.once('close', () => {
        isClosed = true;
        release();
      });
      entry.admit = () => {
        handle.listen = listen;
        release();
        if (!isClosed) handle.listen(entry.backlog);
      };
    }
    setRawHandle(entry.server, handle);
    original.apply(entry.server, args);
    entry.accept = handle.onconnection ?? undefined;
    this.adopted(entry, key);
  }

  /** The address is new: bound here, synchronously and with Node's own errors. */
  private bind(original: Listen2, entry: Listening, args: Parameters<Listen2>, key: ListenKey): void {
    const { server } = entry;
    original.apply(server, args);
    const handle = rawHandle(server);
    if (!handle) {
      if (!this.listening.has(key)) this.catchAddressInUse(original, entry, args, key);
      return;
    }
    const accept = handle.onconnection;
    entry.handle = handle;
    entry.accept = accept ?? undefined;
    if (!this.isAdmitted) {
      handle.onconnection = (status, client) => {
        if (client) this.channel.send({ t: 'connection', key, remainingMs: null }, client, () => client.close());
      };
      entry.admit = () => {
        if (rawHandle(server) === handle || entry.isTaken) handle.onconnection = entry.accept ?? null;
      };
    }
    this.channel.send({ t: 'donate', key }, handle);
    this.adopted(entry, key);
  }

  /** Node emits the error on the next tick. Another worker of the group may just have bound the address: ask the master first. */
  private catchAddressInUse(original: Listen2, entry: Listening, args: Parameters<Listen2>, key: ListenKey): void {
    const { server } = entry;
    const emit = server.emit.bind(server);
    server.emit = (event: string | symbol, ...rest: unknown[]): boolean => {
      if (event !== 'error') return emit(event as string, ...rest);
      delete (server as { emit?: unknown }).emit;
      const error = rest[0] as NodeJS.ErrnoException;
      if (error.code !== 'EADDRINUSE') return emit('error', error);
      this.need(original, entry, args, key, error);
      return true;
    };
  }

  private need(
    original: Listen2,
    entry: Listening,
    args: Parameters<Listen2>,
    key: ListenKey,
    error: NodeJS.ErrnoException | null,
  ): void {
    const [address, port, addressType, backlog] = args;
    const id = ++this.lastNeed;
    const release = this.channel.hold();
    this.waiting.set(id, (handle, refusal) => {
      release();
      if (handle) {
        this.listenOn(original, entry, args, key, handle);
        return;
      }
      const cause = error ?? Object.assign(new Error(), { code: refusal?.code, syscall: 'listen', address });
      if (refusal) cause.message = refusal.message;
      entry.server.emit('error', cause);
    });
    const protocol = addressType === PIPE ? 'unix' : 'tcp';
    this.channel.send({
      t: 'need',
      id,
      key,
      protocol,
      host: address,
      port,
      backlog: backlog || null,
      code: error?.code ?? null,
    });
  }

  /** Seen in 22, 24, 26: `RoundRobinHandle` takes the handle out of the server once that listens, and sets its own `onconnection`. */
  private lookTaken(entry: Listening, key: ListenKey): void {
    const { server, handle } = entry;
    const distribute = handle?.onconnection;
    if (!handle || !distribute || rawHandle(server) === handle || this.isDraining) return;
    entry.isTaken = true;
    entry.accept = (status, connection) => {
      if (connection) this.onPassedOn(connection);
      distribute.call(handle, status, connection);
    };
    handle.onconnection = this.isAdmitted
      ? entry.accept
      : (_status, connection) => {
          if (connection)
            this.channel.send({ t: 'connection', key, remainingMs: null }, connection, () => connection.close());
        };
  }

  private adopted(entry: Listening, key: ListenKey): void {
    const { server } = entry;
    this.listening.set(key, entry);
    this.onServer(server);
    server.prependOnceListener('listening', () => {
      const [address, isTls] = [addressOf(server), isTlsServer(server)];
      this.channel.send({ t: 'listening', key, address, isTls, reports: this.reportsWritten() });
      this.settling.begin();
      process.nextTick(() => this.lookTaken(entry, key));
    });
    server.once('close', () => {
      if (this.isDraining || this.listening.get(key) !== entry) return;
      this.listening.delete(key);
      this.channel.send({ t: 'unlistened', key });
    });
  }
}

/** The server goes on with a connection as if it had accepted it. */
export function adoptBy(server: net.Server, accept: Accept, handle: RawHandle): net.Socket | undefined {
  let adopted: net.Socket | undefined;
  const onConnection = (socket: net.Socket): void => {
    adopted = socket;
  };
  server.prependOnceListener('connection', onConnection);
  accept.call(rawHandle(server)!, 0, handle);
  server.removeListener('connection', onConnection);
  return adopted;
}

export const isTlsServer = (server: net.Server): boolean => server instanceof tls.Server;

function addressOf(server: net.Server): Address {
  const address = server.address();
  if (address === null || typeof address === 'string') return { protocol: 'unix', host: address ?? '', port: null };
  return { protocol: 'tcp', host: address.address, port: address.port };
}
