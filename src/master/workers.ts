/** The processes of the workers: started, listened to, told what to do. What happens to them becomes events of the loop. */
import { existsSync } from 'node:fs';
import { isComing, isServing, type Exit } from '../core/pool.ts';
import type { Command } from '../core/events.ts';
import type { Worker } from '../core/workerState.ts';
import type { Reaper } from '../platform/reaper.ts';
import { ABSENT } from '../protocol/digest.ts';
import type { Address } from '../protocol/status.ts';
import { messageOf } from '../protocol/userError.ts';
import type { FromWorker, Report } from '../protocol/workerMessages.ts';
import { Aheads } from './aheads.ts';
import type { DebugPorts } from './debugPorts.ts';
import type { GroupDefinition } from './definitions.ts';
import { plainError } from './errors.ts';
import type { ProcessFiles } from './files.ts';
import type { FirstProcess } from './firstProcess.ts';
import type { GroupProcess, NameOfWriter } from './groupProcess.ts';
import { Heartbeat } from './heartbeat.ts';
import { Hints } from './hints.ts';
import { Listeners } from './listeners.ts';
import type { Lives } from './lives.ts';
import { LiveFigures } from './liveFigures.ts';
import type { Facts } from './facts.ts';
import type { Loop } from './loop.ts';
import { isStaying } from './meaning.ts';
import { BOOTSTRAP_WRITER, type Writer } from './output.ts';
import { askWhetherReady } from './readyCheck.ts';
import type { ReloadLog } from './reloadLog.ts';
import { SlotAddresses } from './slotAddresses.ts';
import { Spares } from './spares.ts';
import { slotName, WorkerHandle } from './workerHandle.ts';
import type { WorkerLogs } from './workerLogs.ts';
import type { SocketHandle, WorkerEvents } from './workerProcess.ts';

/** The id of the connection that asks whether a worker is ready; those between workers count from 1. */
const READY_CHECK = 0;

export interface WorkersParts {
  readonly loop: Loop;
  readonly first: FirstProcess;
  readonly reaper: Reaper;
  readonly debugPorts: DebugPorts;
  readonly reloads: ReloadLog;
  readonly lives: Lives;
  readonly logs: WorkerLogs;
  /** Changes that a group does not run, whether they were tried or not. */
  readonly notRun: () => readonly { readonly groups: readonly string[] }[];
  /** Whether what a process loaded is still what is on disk, as far as that is known. */
  readonly isCurrent: (files: ProcessFiles) => boolean;
  /** Whether anybody looks at live figures. */
  readonly isWatched: () => boolean;
}

export class Workers {
  private readonly parts: WorkersParts;
  private readonly loop: Loop;
  private readonly facts: Facts;
  private readonly first: FirstProcess;
  private readonly listeners: Listeners;
  private readonly aheads: Aheads;
  private readonly spares: Spares;
  private readonly slotAddresses: SlotAddresses;
  readonly figures: LiveFigures;
  private readonly hints: Hints;
  private nextReceiver = 0;

  constructor(parts: WorkersParts) {
    this.parts = parts;
    this.loop = parts.loop;
    this.facts = parts.loop.facts;
    this.first = parts.first;
    this.listeners = new Listeners((...asked) => this.receiverFor(...asked));
    this.aheads = new Aheads(parts.loop.parts.terminal);
    this.spares = new Spares({ ...parts, listeners: this.listeners, aheads: this.aheads });
    this.slotAddresses = new SlotAddresses(this.facts, this.listeners, this.spares);
    this.hints = new Hints(this.loop.parts.terminal);
    this.figures = new LiveFigures(this.loop, parts.isWatched);
  }

  addresses(group: string): Address[] {
    return this.listeners.addresses(group);
  }

  admit(worker: Worker): void {
    const handle = this.facts.handles.get(worker.id);
    handle?.process.send({ t: 'admit' });
    if (this.parts.isWatched()) handle?.process.send({ t: 'figures', on: true });
    if (handle) this.watchLoop(handle);
    this.onServes(worker);
    this.listeners.passParked();
    this.parts.debugPorts.look();
  }

  /** Its event loop has to turn from now on. */
  private watchLoop(handle: WorkerHandle): void {
    const { worker } = handle;
    const { unresponsiveAfter } = this.definitionOf(worker).options;
    if (unresponsiveAfter === 0) return;
    handle.heartbeat = new Heartbeat({
      silentAfterMs: unresponsiveAfter,
      ask: () => handle.process.send({ t: 'turns' }),
      isExempt: () => handle.worker.isDebugged,
      onSilent: (silentForMs) => {
        const silentSince = this.loop.now() - silentForMs;
        this.loop.enqueue({ type: 'unresponsive', worker: worker.id, silentSince });
        this.loop.parts.terminal.unresponsive(worker, silentForMs);
      },
      onBack: () => {
        this.loop.enqueue({ type: 'responsive', worker: worker.id });
        this.loop.parts.terminal.responsive(worker);
        // Connections may have waited for it.
        this.listeners.passParked();
      },
    });
  }

  drain({ worker, timeoutMs, change }: Extract<Command, { type: 'drain' }>): void {
    const handle = this.facts.handles.get(worker.id);
    if (!handle) return;
    handle.drainedFor = change;
    handle.heartbeat?.dispose();
    handle.process.send({ t: 'drain', deadlineMs: timeoutMs });
    this.parts.debugPorts.onDrain(handle);
  }

  deadline({ worker, timeoutMs }: Extract<Command, { type: 'deadline' }>): void {
    this.facts.handles.get(worker.id)?.process.send({ t: 'drain', deadlineMs: timeoutMs });
  }

  /** What is in flight is no longer waited for. */
  hurry(worker: Worker): void {
    const handle = this.facts.handles.get(worker.id);
    handle?.process.send({ t: 'drain', deadlineMs: 0 });
    handle?.debuggee.hangUp();
  }

  kill({ worker, forced }: Extract<Command, { type: 'kill' }>): void {
    const handle = this.facts.handles.get(worker.id);
    if (forced) this.parts.reloads.killed(handle?.drainedFor ?? null);
    handle?.process.kill();
  }

  killAll(): void {
    for (const { process } of this.facts.handles.values()) process.kill();
    void this.spares.end();
  }

  /** A new definition is in force: its groups may listen elsewhere, and be started in another way. */
  onCommitted(): void {
    this.slotAddresses.onCommitted();
    if (this.facts.core.change?.kind === 'restart') this.aheads.forget();
    this.spares.onCommitted();
  }

  /** A change has begun, or somebody works on a file of these groups: the next change will want a spare. */
  onNeed(groups: Iterable<string>): void {
    this.spares.needed(groups);
  }

  /** What is on disk is known anew. */
  onFiles(): void {
    this.spares.onFiles();
  }

  /** The loop has come to rest. */
  update(): void {
    this.spares.update();
  }

  spareCount(group: string): number {
    return this.spares.count(group);
  }

  loadedAhead(group: string): number {
    return this.spares.loadedAhead(group);
  }

  /** No spare is left; their copies of the listening handles are closed. */
  endSpares(): Promise<void> {
    return this.spares.end();
  }

  /** A change has ended: what only its workers, or those it replaced, listened on is free. */
  onChangeEnded(): void {
    for (const { spec } of this.facts.core.groups) this.slotAddresses.releaseUnused(spec.name);
  }

  /** The group is no more: its addresses are free. */
  release(group: string): void {
    this.listeners.releaseGroup(group);
  }

  dispose(): void {
    this.figures.dispose();
    this.listeners.dispose();
  }

  spawn(worker: Worker): void {
    const group = this.definitionOf(worker);
    let started: GroupProcess;
    try {
      started = this.spares.process(group, this.first.isNeeded(worker.slot) ? 'probe' : 'worker');
    } catch (error) {
      const exit: Exit = { code: null, signal: null, error: plainError('rejected', messageOf(error)) };
      this.loop.enqueueLater({ type: 'exited', worker: worker.id, exit, diskDiffers: false });
      return;
    }
    this.loop.counting.taken(started.files, group);
    const handle = new WorkerHandle(
      worker,
      started,
      this.wishOf(worker, group),
      group.options.drainTimeout,
      (changed) => this.parts.debugPorts.changed(changed),
    );
    if (this.first.isNeeded(worker.slot)) this.first.began(handle);
    this.facts.handles.set(worker.id, handle);
    this.parts.lives.began(worker, handle.process.pid ?? null, Date.now());
    started.takenBy(this.eventsOf(handle), (...asked) => this.writerOf(worker, handle, ...asked));
    this.first.holdOutput(worker.id, () => started.releaseOutput());
    if (started.booted) this.onBooted(handle);
  }

  private wishOf(worker: Worker, group: GroupDefinition): WorkerHandle['wish'] {
    const change = this.facts.core.change;
    const keepsAddresses = change?.kind !== 'restart';
    const { ready } = group.options;
    return {
      mode: ready === 'message' ? 'message' : typeof ready === 'string' ? 'auto' : 'http',
      expected: keepsAddresses ? new Set(this.slotAddresses.of(worker)) : new Set(),
      // A restart may make a group listen that did not, or the other way round.
      groupListens: keepsAddresses ? (this.facts.group(worker.group)?.listens ?? null) : null,
    };
  }

  private eventsOf(handle: WorkerHandle): WorkerEvents {
    return {
      onMessage: (message, socket) => this.onMessage(handle, message, socket),
      onReport: (report) => this.onReport(handle, report),
      onAnnounced: () => {
        handle.onAnnounced();
        this.checkReady(handle);
      },
      onExit: (code, signal) => this.onExit(handle, code, signal),
    };
  }

  /** It stands before its entry: with the addresses of its group in hand it may go on. */
  private onBooted(handle: WorkerHandle): void {
    const { worker, started } = handle;
    this.parts.debugPorts.onBooted(handle, this.definitionOf(worker).inspect);
    this.listeners.giveAll(worker.group, started);
    handle.goneOnAt = performance.now();
    started.process.send({ t: 'go', env: this.workerEnv(worker) });
  }

  private onMessage(handle: WorkerHandle, message: FromWorker, socket: SocketHandle | undefined): void {
    const { group } = handle.worker;
    switch (message.t) {
      case 'booted':
        handle.started.booted = message;
        this.onBooted(handle);
        return;
      case 'preloaded':
        this.spares.onPreloaded(group, handle.started, message);
        return;
      case 'dependencies':
        handle.dependencies = { dependencies: message.dependencies, isCommonJs: message.isCommonJs };
        this.learn(handle);
        return;
      case 'donate':
        handle.bound.add(message.key);
        if (socket) this.listeners.donate(group, message.key, socket);
        this.spares.giveAll(group);
        return;
      case 'need':
        handle.bound.add(message.key);
        this.listeners.need(group, handle, message);
        return;
      case 'listening':
        handle.onListening(message.key, message.isTls);
        this.first.isProgram(handle);
        this.onListening(handle, this.listeners.onListening(group, message.key, message.address), message.address);
        this.spares.giveAll(group);
        this.checkReady(handle);
        this.listeners.passParked();
        return;
      case 'settled':
        handle.onSettled();
        this.checkReady(handle);
        return;
      case 'unlistened':
        this.slotAddresses.onUnlistened(handle, message.key);
        return;
      case 'evaluated':
        handle.onEvaluated();
        this.first.isProgram(handle);
        this.checkReady(handle);
        return;
      case 'connection':
        if (socket) this.listeners.take(group, message.key, message.remainingMs, socket);
        return;
      case 'adopted':
        this.listeners.adopted(message.id, message.isAdopted);
        return;
      case 'drained':
        this.parts.reloads.drained(handle.drainedFor, message);
        return;
      case 'declared':
        this.first.declared(handle, { definition: message.definition, env: message.env, cwd: message.cwd });
        return;
      case 'cluster':
        this.hints.onCluster(group);
        return;
      case 'turned':
        handle.onTurn();
        this.checkReady(handle);
        return;
      case 'inspecting':
        handle.debuggee.opened(message.url);
        return;
      case 'figures':
        handle.takeFigures(message);
        this.figures.onFigures();
        return;
    }
  }

  private onReport(handle: WorkerHandle, report: Report): void {
    handle.takeReport(report);
    if (report.r === 'cold') {
      handle.started.isSpoiled = true;
      this.spares.onCold(handle.worker.group, report);
    }
    if (report.r === 'exiting') this.parts.debugPorts.onExiting(handle);
    this.loop.takeReport(handle.files, report);
  }

  private checkReady(handle: WorkerHandle): void {
    if (handle.worker.state.kind !== 'starting') return;
    const readiness = handle.readiness();
    if (readiness.is === 'ready')
      this.loop.enqueue({ type: 'ready', worker: handle.id, listens: handle.listening.size > 0 });
    if (readiness.is === 'failed') {
      this.rememberAttempt(handle);
      this.loop.enqueue({ type: 'failed', worker: handle.id, error: readiness.error });
    }
    if (readiness.is === 'to-ask') void this.askWhetherReady(handle);
  }

  /** On the first address that it listens on. */
  private async askWhetherReady(handle: WorkerHandle): Promise<void> {
    const { worker } = handle;
    const { ready } = this.definitionOf(worker).options;
    const key = [...handle.listening].find((each) => !each.startsWith('udp|'));
    if (handle.isAsked || key === undefined || typeof ready === 'string') return;
    handle.isAsked = true;
    const who = `${worker.group}#${worker.slot}`;
    let isInTrouble = false;
    const refusal = await askWhetherReady({
      path: ready.http,
      isTls: handle.encrypted.has(key),
      give: (socket) =>
        handle.process.send({ t: 'connection', id: READY_CHECK, key, remainingMs: null }, socket, () => socket.close()),
      isOver: () => worker.state.kind !== 'starting' || !this.facts.handles.has(worker.id),
      onTrouble: (reason) => {
        if (!isInTrouble) this.loop.parts.terminal.note(`${who} has not answered GET ${ready.http} yet: ${reason}`);
        isInTrouble = true;
      },
    });
    if (refusal === undefined || worker.state.kind !== 'starting') return;
    if (refusal === null) {
      handle.onAnswered();
      this.checkReady(handle);
      return;
    }
    this.rememberAttempt(handle);
    const error = plainError('rejected', `${who} answered its ready check GET ${ready.http} with ${refusal}`);
    this.loop.enqueue({ type: 'failed', worker: worker.id, error });
  }

  /**
   * What it loaded is what a fix will change. Where others of the group go on, only a change tries what is on disk: one
   * that came in place of a crashed worker has judged nothing, and its code has still to be reloaded or rejected.
   */
  private rememberAttempt({ worker, files }: WorkerHandle): void {
    const others = [...this.facts.handles.values()].filter(
      (other) => other.worker !== worker && other.worker.group === worker.group && isStaying(other.worker),
    );
    const isOfChange = isComing(worker) && worker.change !== null;
    if (!isOfChange && others.length > 0) return;
    const entry = this.facts.definition.groups.get(worker.group)?.entry;
    // A build may have deleted it a moment ago.
    if (entry !== undefined && !files.loaded.has(entry) && !existsSync(entry)) files.loaded.set(entry, ABSENT);
    this.facts.attempts.set(worker.group, files);
  }

  private onServes(worker: Worker): void {
    this.facts.attempts.delete(worker.group);
    this.facts.keepFixedTexts(worker);
    const handle = this.facts.handles.get(worker.id);
    if (handle) this.slotAddresses.learn(handle);
    if (handle) handle.readyAt = performance.now();
    if (handle) this.learn(handle);
    this.hints.onServes(this.definitionOf(worker));
    this.loop.reconsiderFiles();
  }

  /** What a worker that serves has loaded its successors load ahead. */
  private learn({ worker, dependencies, started, goneOnAt, readyAt }: WorkerHandle): void {
    if (!dependencies || readyAt === undefined || goneOnAt === undefined) return;
    this.aheads.learn(worker.group, dependencies, started.ahead ? undefined : readyAt - goneOnAt);
    this.spares.onAhead(worker.group);
  }

  /** What it has loaded ahead does not go with the program: the worker begins once more, in a process that has loaded nothing. */
  private beginAgain(handle: WorkerHandle): void {
    const { worker, started } = handle;
    if (!started.isSpoiled) this.spares.onCold(worker.group, undefined);
    this.parts.lives.ended(worker.id, Date.now());
    this.spawn(worker);
  }

  private onExit(handle: WorkerHandle, code: number | null, signal: string | null): void {
    const { worker } = handle;
    const { state } = worker;
    const hasServed = isServing(worker);
    this.facts.handles.delete(worker.id);
    handle.heartbeat?.dispose();
    this.parts.debugPorts.onExit(handle);
    if (handle.process.pid !== undefined) this.parts.reaper.forget(handle.process.pid);
    this.listeners.onReceiverGone(worker.id);
    if (state.kind === 'starting' && handle.started.isUnfit && !this.facts.core.stopping) {
      this.beginAgain(handle);
      return;
    }
    if (isComing(worker) || hasServed) this.rememberAttempt(handle);
    const exit: Exit = { code, signal, error: handle.exitError(code, signal, (path) => this.facts.display(path)) };
    if (this.first.refuses(handle, exit)) return;
    this.first.forgetOutput(worker.id);
    // A change that is under way loads what is on disk anyway.
    const isInChange = this.facts.core.change?.scope.has(worker.group) ?? false;
    const diskDiffers = !isInChange && this.parts.notRun().some(({ groups }) => groups.includes(worker.group));
    this.loop.enqueue({ type: 'exited', worker: worker.id, exit, diskDiffers });
    const slot = this.facts.group(worker.group)?.slots.find(({ index }) => index === worker.slot);
    const isUnasked = hasServed || worker.change === null || slot?.stopped;
    if (slot && isUnasked && state.kind !== 'draining' && state.kind !== 'ending' && !this.facts.core.stopping)
      this.loop.parts.terminal.exited(worker, exit, slot, this.loop.now());
    this.slotAddresses.releaseUnused(worker.group);
  }

  private onListening(handle: WorkerHandle, isNew: boolean, address: Address): void {
    if (!isServing(handle.worker)) return;
    this.slotAddresses.learn(handle);
    this.loop.enqueue({ type: 'listens', worker: handle.id });
    if (isNew) this.loop.parts.terminal.listens(this.loop.parts.registry.entry.name, address);
  }

  /** The newest generation first, and those in turn. */
  private receiverFor(group: string, key: string, refusedBy: ReadonlySet<number>): WorkerHandle | undefined {
    const ready = [...this.facts.handles.values()].filter(
      ({ id, worker, listening }) =>
        worker.group === group && worker.state.kind === 'ready' && listening.has(key) && !refusedBy.has(id),
    );
    const newest = Math.max(...ready.map(({ worker }) => worker.generation));
    const candidates = ready.filter(({ worker }) => worker.generation === newest);
    return candidates[this.nextReceiver++ % Math.max(1, candidates.length)];
  }

  private definitionOf(worker: Worker): GroupDefinition {
    const { next } = this.facts;
    const of = next?.definition.number === worker.definition ? next.definition : this.facts.definition;
    const group = of.groups.get(worker.group);
    if (!group) throw new Error(`no definition of group ${worker.group}`);
    return group;
  }

  private workerEnv(worker: Worker): Record<string, string> {
    return {
      GRACEFUL_RELOAD_SERVER: this.loop.parts.registry.entry.name,
      GRACEFUL_RELOAD_GROUP: worker.group,
      GRACEFUL_RELOAD_SLOT: String(worker.slot),
      GRACEFUL_RELOAD_GENERATION: String(worker.generation),
    };
  }

  private writerOf(
    worker: Worker,
    handle: WorkerHandle,
    ...[stream, isFull]: Parameters<NameOfWriter>
  ): Writer | undefined {
    const { isBootstrap } = this.facts;
    if (this.first.is(handle)) {
      // A script that writes that much is a program, which must not have to wait before it can listen.
      if (isBootstrap === null && !isFull) return undefined;
      if (isBootstrap) return BOOTSTRAP_WRITER;
    }
    const { group, slot, generation } = worker;
    const by = { group, slot, generation, pid: handle.process.pid ?? null };
    return { prefix: this.prefixOf(worker), keep: (lines) => this.parts.logs.keep(by, stream, lines) };
  }

  private prefixOf(worker: Worker): string {
    const { prefix } = this.facts.options;
    if (prefix === 'never') return '';
    const isAlone = this.facts.core.groups.reduce((sum, { slots }) => sum + slots.length, 0) === 1;
    return prefix === 'auto' && isAlone && !process.stdout.isTTY ? '' : `${slotName(worker)} | `;
  }
}
