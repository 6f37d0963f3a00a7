/** The preload in a child of the program's own `node:cluster`; the other end is `OwnCluster` in the worker. */
import type net from 'node:net';
import type { ClusterChildConfig, FromClusterChild, ToClusterChild } from '../protocol/clusterChild.ts';
import type { ListenKey } from '../protocol/worker.ts';
import { track } from '../tracking/track.ts';
import { AddressKeys } from './addressKeys.ts';
import { Channel } from './channel.ts';
import { Connections } from './connections.ts';
import { Drain } from './drain.ts';
import { listenPrototype, rawHandle } from './internals.ts';
import { adoptBy, type Accept } from './listeners.ts';

export function runClusterChild(config: ClusterChildConfig): void {
  if (config.nodeOptions === null) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = config.nodeOptions;
  const channel = new Channel<ToClusterChild, FromClusterChild>({ keepSend: true, isOurs: false });
  const connections = new Connections();
  const { indexFile, asyncLoader, root } = config;
  let isReady = false;
  const tracking = track({
    report: (report) => channel.send({ t: 'report', report }),
    indexFile,
    asyncLoader,
    root,
    isReady: () => isReady,
  });
  const servers = new ChildServers((server, key) => {
    connections.watch(server);
    channel.send({ t: 'serves', key });
    if (isReady) return;
    isReady = true;
    tracking.onReady();
  });
  servers.install();
  const drain = new Drain(channel, connections, servers, true, () => undefined);
  channel.on('drain', ({ deadlineMs }) => drain.start(deadlineMs, false));
  channel.on('finish', () => drain.mayFinish());
  channel.on('connection', ({ id, key, remainingMs }, handle) => {
    if (!handle) return;
    const socket = servers.adopt(key, handle);
    if (!socket) handle.close();
    else if (remainingMs !== null) connections.keepFor(socket, remainingMs);
    channel.send({ t: 'adopted', id, isAdopted: socket !== undefined });
  });
}

/** Servers to which the primary passes what it accepts. */
class ChildServers {
  private readonly keys = new AddressKeys();
  private readonly listening = new Map<ListenKey, { readonly server: net.Server; readonly accept: Accept }>();
  private readonly onServer: (server: net.Server, key: ListenKey) => void;
  private isDraining = false;

  constructor(onServer: (server: net.Server, key: ListenKey) => void) {
    this.onServer = onServer;
  }

  install(): void {
    const original = listenPrototype._listen2;
    if (typeof original !== 'function') return;
    const add = this.add.bind(this);
    listenPrototype._listen2 = function (...args) {
      const isShared = rawHandle(this) !== null;
      const [address, port, addressType] = args;
      original.apply(this, args);
      if (isShared) add(this, address, port, addressType);
    };
  }

  private add(server: net.Server, address: string | null, port: number | null, addressType: number): void {
    const accept = rawHandle(server)?.onconnection;
    if (!accept) return;
    const key = this.keys.next(address, port, addressType);
    this.listening.set(key, { server, accept });
    server.once('close', () => this.listening.delete(key));
    this.onServer(server, key);
  }

  keyOf(server: net.Server): ListenKey | undefined {
    return [...this.listening].find(([, entry]) => entry.server === server)?.[0];
  }

  adopt(key: ListenKey, handle: Parameters<Accept>[1] & object): net.Socket | undefined {
    const entry = this.listening.get(key);
    return entry && !this.isDraining ? adoptBy(entry.server, entry.accept, handle) : undefined;
  }

  /** The primary accepts nothing any more; what it has accepted still comes. */
  stopAccepting(): void {
    this.isDraining = true;
  }
}
