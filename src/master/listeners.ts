/**
 * The listening handles and the connections between two workers. The master keeps every handle for its whole life and
 * accepts nothing itself, so a port is never refused: while no worker runs, the kernel queues.
 */
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { lstatSync, renameSync, rmSync } from 'node:fs';
import type { Address } from '../protocol/status.ts';
import type { ListenKey } from '../protocol/worker.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import { isWindows } from '../platform/processes.ts';
import { takenText } from './takenAddress.ts';
import type { SocketHandle } from './workerProcess.ts';

/** A process that is given the addresses of its group before its entry runs. */
export interface HandleTaker {
  sendHandle(key: ListenKey, handle: SocketHandle): void;
  sendAddress(key: ListenKey, address: Address): void;
}

/** What the listeners need of a worker. */
export interface Receiver {
  readonly id: number;
  grantAddress(id: number, address: Address): void;
  grant(id: number, handle: SocketHandle | undefined, error?: { code: string; message: string }): void;
  sendConnection(id: number, key: ListenKey, remainingMs: number | null, handle: SocketHandle): void;
}

interface Held {
  readonly handle: SocketHandle;
  address: Address | null;
  /** Keeps a server alive whose handle the master itself bound. */
  readonly server?: Server;
  readonly path?: string;
  /** The master accepts and passes connections on. */
  readonly isAccepted?: boolean;
  /** Tells whether the path of a Unix socket is still the one that was bound. */
  readonly inode?: number | undefined;
}

/** A worker that may take a connection to that address now, the newest generation first, and that has not refused it. */
type ReceiverFor = (group: string, key: ListenKey, refusedBy: ReadonlySet<number>) => Receiver | undefined;

interface Moving {
  readonly group: string;
  readonly key: ListenKey;
  readonly handle: SocketHandle;
  readonly remainingMs: number | null;
  readonly since: number;
  receiver: number | null;
  readonly refusedBy: Set<number>;
}

type Need = Extract<FromWorker, { t: 'need' }>;

export class Listeners {
  private readonly groups = new Map<string, Map<ListenKey, Held>>();
  private readonly moving = new Map<number, Moving>();
  private lastMove = 0;
  private lastUnix = 0;
  private readonly receiverFor: ReceiverFor;

  constructor(receiverFor: ReceiverFor) {
    this.receiverFor = receiverFor;
  }

  /** Everything the group listens on, before the entry runs. */
  giveAll(group: string, worker: HandleTaker): void {
    for (const [key, { handle, path, address, isAccepted }] of this.handlesOf(group)) {
      if (isAccepted && address) {
        worker.sendAddress(key, address);
        continue;
      }
      // A worker asks for a Unix socket when it listens: its program may have removed the path before.
      if (path === undefined) worker.sendHandle(key, handle);
    }
  }

  donate(group: string, key: ListenKey, handle: SocketHandle): void {
    const handles = this.handlesOf(group);
    if (handles.has(key)) handle.close();
    else handles.set(key, { handle, address: null });
  }

  /** @returns whether nobody of the group has listened there so far */
  onListening(group: string, key: ListenKey, address: Address): boolean {
    const held = this.handlesOf(group).get(key);
    const isNew = held !== undefined && held.address === null;
    if (held) held.address = address;
    return isNew;
  }

  addresses(group: string): Address[] {
    return [...this.handlesOf(group).values()].flatMap(({ address }) => (address ? [address] : []));
  }

  /** A worker wants an address that it could not bind itself. */
  need(group: string, worker: Receiver, need: Need): void {
    const held = this.handlesOf(group).get(need.key);
    if (held?.isAccepted && held.address) {
      worker.grantAddress(need.id, held.address);
      return;
    }
    if (held && !isReplaced(need, held)) {
      worker.grant(need.id, held.handle);
      return;
    }
    // Only a worker that binds nothing itself asks before it has failed to.
    if (need.code === null && (need.protocol === 'tcp' || isWindows)) {
      this.accept(group, worker, need);
      return;
    }
    if (need.protocol === 'unix') {
      this.bindUnix(group, worker, need);
      return;
    }
    const owner = [...this.groups].find(([name, handles]) => name !== group && handles.has(need.key))?.[0];
    const code = need.code ?? 'EADDRINUSE';
    worker.grant(need.id, undefined, { code, message: takenText(need, code, owner) });
  }

  /** The last worker that listened there has closed it by itself: the address is free for others. */
  release(group: string, key: ListenKey): void {
    const held = this.handlesOf(group).get(key);
    this.handlesOf(group).delete(key);
    if (held) closeHeld(held);
  }

  /**
   * Nobody will listen on anything else than `keys` any more.
   *
   * @returns what is free now
   */
  keepOnly(group: string, keys: ReadonlySet<ListenKey>): ListenKey[] {
    const unused = [...this.handlesOf(group).keys()].filter((key) => !keys.has(key));
    for (const key of unused) {
      this.release(group, key);
      for (const [id, move] of this.moving) if (move.group === group && move.key === key) this.drop(id);
    }
    return unused;
  }

  releaseGroup(group: string): void {
    for (const held of this.handlesOf(group).values()) closeHeld(held);
    this.groups.delete(group);
    for (const [id, move] of this.moving) if (move.group === group) this.drop(id);
  }

  dispose(): void {
    for (const group of [...this.groups.keys()]) this.releaseGroup(group);
  }

  // ---- connections on their way

  /** A worker let go of a connection: to the next one, or parked until there is one. */
  take(group: string, key: ListenKey, remainingMs: number | null, handle: SocketHandle): void {
    const id = ++this.lastMove;
    this.moving.set(id, {
      group,
      key,
      handle,
      remainingMs,
      since: performance.now(),
      receiver: null,
      refusedBy: new Set(),
    });
    this.pass(id);
  }

  /** Our copy is kept until a receiver has the connection in its hands. */
  adopted(id: number, isAdopted: boolean): void {
    const move = this.moving.get(id);
    if (isAdopted || !move) {
      this.drop(id);
      return;
    }
    // One that drains by now, or whose program has given its server's handle away.
    if (move.receiver !== null) move.refusedBy.add(move.receiver);
    this.park(id);
  }

  onReceiverGone(worker: number): void {
    for (const [id, move] of this.moving) if (move.receiver === worker) this.park(id);
  }

  /** A worker may take connections now. */
  passParked(): void {
    for (const [id, move] of this.moving) if (move.receiver === null) this.pass(id);
  }

  get parked(): number {
    return [...this.moving.values()].filter(({ receiver }) => receiver === null).length;
  }

  private park(id: number): void {
    const move = this.moving.get(id);
    if (move) move.receiver = null;
    this.pass(id);
  }

  private pass(id: number): void {
    const move = this.moving.get(id);
    const worker = move && this.receiverFor(move.group, move.key, move.refusedBy);
    if (!move || !worker) return;
    move.receiver = worker.id;
    const remaining =
      move.remainingMs === null ? null : Math.max(1, Math.round(move.remainingMs - (performance.now() - move.since)));
    worker.sendConnection(id, move.key, remaining, move.handle);
  }

  private drop(id: number): void {
    this.moving.get(id)?.handle.close();
    this.moving.delete(id);
  }

  private handlesOf(group: string): Map<ListenKey, Held> {
    let handles = this.groups.get(group);
    if (!handles) this.groups.set(group, (handles = new Map<ListenKey, Held>()));
    return handles;
  }

  private accept(group: string, worker: Receiver, need: Need): void {
    const { id, key, protocol, host, port, backlog } = need;
    const server = createServer();
    server.once('error', ({ code = 'EINVAL', message }: NodeJS.ErrnoException) =>
      worker.grant(id, undefined, { code, message: code === 'EADDRINUSE' ? takenText(need, code) : message }),
    );
    server.once('listening', () => {
      const bound = server.address();
      const address: Address =
        bound === null || typeof bound === 'string'
          ? { protocol: 'unix', host: host ?? '', port: null }
          : { protocol: 'tcp', host: bound.address, port: bound.port };
      const handle = rawHandleOf(server);
      this.handlesOf(group).set(key, { handle, address, server, isAccepted: true });
      handle.onconnection = (_status, client) => {
        if (client) this.take(group, key, null, client);
      };
      worker.grantAddress(id, address);
    });
    const where = protocol === 'unix' ? { path: host ?? '' } : { port: port ?? 0, ...(host === null ? {} : { host }) };
    server.listen({ ...where, ...(backlog === null ? {} : { backlog }) });
  }

  /**
   * libuv removes a Unix socket's path when the process that bound it closes it, so the master binds, under a name of its
   * own that is then moved to the path: a socket that the program has replaced can be closed without harm to the new one.
   */
  private bindUnix(group: string, worker: Receiver, need: Need): void {
    const path = need.host ?? '';
    const refuse = (code: string): void => {
      worker.grant(need.id, undefined, { code, message: takenText(need, code) });
    };
    if (inodeOf(path) !== undefined) {
      refuse('EADDRINUSE');
      return;
    }
    const isAbstract = path.startsWith('\0');
    const name = isAbstract ? path : join(dirname(path), `.gr-${process.pid}-${++this.lastUnix}`);
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => refuse(error.code ?? 'EINVAL'));
    server.once('listening', () => {
      try {
        if (!isAbstract) renameSync(name, path);
      } catch (error) {
        server.close();
        refuse((error as NodeJS.ErrnoException).code ?? 'EINVAL');
        return;
      }
      const handle = rawHandleOf(server);
      const handles = this.handlesOf(group);
      const before = handles.get(need.key);
      handles.set(need.key, { handle, address: null, server, path, inode: inodeOf(path) });
      if (before) closeHeld(before);
      worker.grant(need.id, handle);
      handle.onconnection = (_status, client) => {
        if (client) this.take(group, need.key, null, client);
      };
    });
    server.listen({ path: name, ...(need.backlog === null ? {} : { backlog: need.backlog }) });
  }
}

type AcceptingHandle = SocketHandle & { onconnection: (status: number, client?: SocketHandle) => void };

export function rawHandleOf(server: Server): AcceptingHandle {
  return (server as unknown as { _handle: AcceptingHandle })._handle;
}

/** The program removed the socket's path before it listens again: what we hold can no longer be reached. */
function isReplaced(need: Need, held: Held): boolean {
  return need.protocol === 'unix' && inodeOf(need.host ?? '') !== held.inode;
}

function inodeOf(path: string): number | undefined {
  try {
    return lstatSync(path).ino;
  } catch {
    return undefined;
  }
}

function closeHeld({ handle, server, path, inode }: Held): void {
  if (path !== undefined && inode !== undefined && inodeOf(path) === inode) rmSync(path, { force: true });
  if (server) server.close();
  else handle.close();
}
