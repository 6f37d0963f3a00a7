/**
 * Programs with a `node:cluster` of their own: this worker is the primary, and its children serve. Through it they get
 * what a worker gets from the master: what they load counts, idle connections come and go, and the worker does not end
 * before their last request is answered.
 */
import type cluster from 'node:cluster';
import type { Worker as ClusterWorker } from 'node:cluster';
import type { ClusterChildConfig, FromClusterChild, ToClusterChild } from '../protocol/clusterChild.ts';
import { CONFIG_VARIABLE, REPORT_FD, WORKER_CMD, type ListenKey, type PreloadConfig } from '../protocol/worker.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import { ReportPipe } from '../tracking/reportPipe.ts';
import type { Channel } from './channel.ts';
import { onInternalMessage, sendInternal, type RawHandle } from './internals.ts';

type Drained = Extract<FromWorker, { t: 'drained' }>;

interface Child {
  readonly worker: ClusterWorker;
  readonly keys: Set<ListenKey>;
  /** Connections that it was given and has not told of yet. */
  readonly adopting: Set<number>;
  /** It has let go of its last connection. */
  drained: Drained | undefined;
}

interface Waiting {
  readonly id: number;
  readonly key: ListenKey;
  readonly remainingMs: number | null;
  readonly handle: RawHandle;
}

export class OwnCluster {
  private readonly channel: Channel;
  /** Apart from the worker's own, whose number the master counts by. */
  private reports: ReportPipe | undefined;
  private readonly config: PreloadConfig;
  private readonly children = new Set<Child>();
  /** For an address on which no child listens yet. */
  private waiting: Waiting[] = [];
  /** Connections that were accepted and are on their way to a child. */
  private passing = 0;
  private turn = 0;
  private drainingFor: ((reports: readonly Drained[]) => void) | undefined;
  private isFinishing = false;
  private readonly ended: Drained[] = [];

  constructor(channel: Channel, config: PreloadConfig) {
    this.channel = channel;
    this.config = config;
  }

  install(): void {
    const own = process.getBuiltinModule('node:cluster') as unknown as typeof cluster;
    const { fork } = own;
    own.fork = (env?: object) => {
      // An address that only the children know could not be handed on.
      own.schedulingPolicy = own.SCHED_RR;
      if (this.children.size === 0) this.channel.send({ t: 'cluster' });
      const worker = fork.call(own, { ...env, ...this.environment(env) });
      this.watch(worker);
      return worker;
    };
  }

  get isRunning(): boolean {
    return this.children.size > 0;
  }

  /** The children inherit neither our flags nor our environment: the preload comes by `NODE_OPTIONS`, and takes itself out. */
  private environment(env: { NODE_OPTIONS?: string } = {}): Record<string, string> {
    const nodeOptions = env.NODE_OPTIONS ?? process.env['NODE_OPTIONS'] ?? null;
    const { indexFile, asyncLoader, root } = this.config;
    const config: ClusterChildConfig = { role: 'cluster-child', nodeOptions, indexFile, asyncLoader, root };
    return {
      NODE_OPTIONS: `--require ${JSON.stringify(__filename)} ${nodeOptions ?? ''}`.trim(),
      [CONFIG_VARIABLE]: JSON.stringify(config),
    };
  }

  private watch(worker: ClusterWorker): void {
    const child: Child = { worker, keys: new Set(), adopting: new Set(), drained: undefined };
    this.children.add(child);
    onInternalMessage(worker.process, (message, handle) => {
      if (message.cmd === WORKER_CMD) this.receive(child, message as unknown as FromClusterChild, handle);
    });
    worker.process.once('exit', () => {
      this.children.delete(child);
      for (const id of child.adopting) this.channel.send({ t: 'adopted', id, isAdopted: false });
      if (child.drained) this.ended.push(child.drained);
      this.lookDrained();
    });
    if (this.drainingFor) this.tell(child, { t: 'drain', deadlineMs: null });
    if (this.isFinishing) this.tell(child, { t: 'finish' });
  }

  private tell({ worker }: Child, message: ToClusterChild, handle?: RawHandle): void {
    if (worker.process.connected) sendInternal(worker.process, { cmd: WORKER_CMD, ...message }, handle);
    else handle?.close();
  }

  private receive(child: Child, message: FromClusterChild, handle: RawHandle | undefined): void {
    switch (message.t) {
      case 'serves':
        child.keys.add(message.key);
        this.serveWaiting();
        return;
      case 'connection':
        if (!handle) return;
        this.channel.send({ t: 'connection', key: message.key, remainingMs: message.remainingMs }, handle, () =>
          handle.close(),
        );
        return;
      case 'adopted':
        child.adopting.delete(message.id);
        this.channel.send({ t: 'adopted', id: message.id, isAdopted: message.isAdopted });
        return;
      case 'report':
        this.reports ??= new ReportPipe(REPORT_FD);
        this.reports.write({ ...message.report, thread: true });
        this.reports.flush();
        return;
      case 'drained':
        child.drained = message;
        this.lookDrained();
    }
  }

  /**
   * A connection that another worker let go of goes to the next child that listens there, or waits for the first one.
   *
   * @returns false where there is no child
   */
  adopt(id: number, key: ListenKey, remainingMs: number | null, handle: RawHandle): boolean {
    if (this.children.size === 0 || this.drainingFor) return false;
    this.waiting.push({ id, key, remainingMs, handle });
    this.serveWaiting();
    return true;
  }

  private serveWaiting(): void {
    const all = this.waiting;
    this.waiting = [];
    for (const one of all) {
      const able = [...this.children].filter(({ keys, worker }) => keys.has(one.key) && worker.process.connected);
      const child = able[this.turn++ % Math.max(1, able.length)];
      if (!child) {
        this.waiting.push(one);
        continue;
      }
      const { id, key, remainingMs, handle } = one;
      child.adopting.add(id);
      sendInternal(child.worker.process, { cmd: WORKER_CMD, t: 'connection', id, key, remainingMs }, handle, () =>
        handle.close(),
      );
    }
  }

  /** Accepted by the primary; the cluster closes its copy once a child has it. */
  passOn(handle: RawHandle): void {
    this.passing += 1;
    const { close } = handle;
    let isClosed = false;
    handle.close = (done) => {
      close.call(handle, done);
      if (isClosed) return;
      isClosed = true;
      this.passing -= 1;
      this.lookDrained();
    };
  }

  /**
   * Nothing is accepted any more. A second call is for a new deadline.
   *
   * @param done called once no child has a connection left
   */
  drain(deadlineMs: number | null, done: (reports: readonly Drained[]) => void): void {
    this.drainingFor = done;
    for (const { id, handle } of this.waiting.splice(0)) {
      handle.close();
      this.channel.send({ t: 'adopted', id, isAdopted: false });
    }
    for (const child of this.children) this.tell(child, { t: 'drain', deadlineMs });
    this.lookDrained();
  }

  private lookDrained(): void {
    if (!this.drainingFor || this.passing > 0) return;
    if (!this.isFinishing) {
      this.isFinishing = true;
      for (const child of this.children) this.tell(child, { t: 'finish' });
    }
    const told = [...this.children].map(({ drained }) => drained);
    if (!told.every((drained) => drained !== undefined)) return;
    const done = this.drainingFor;
    this.drainingFor = () => undefined;
    done([...this.ended, ...told]);
  }
}
