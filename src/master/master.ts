/**
 * The loop: everything that happens is an event in one queue; the core decides; the commands it answers with are carried
 * out here. Nobody else writes state.
 */
import { readFileSync } from 'node:fs';
import type { Change, ChangeResult } from '../core/change.ts';
import { servedGeneration, type Exit, type Group } from '../core/pool.ts';
import type { Request, Scope } from '../core/requests.ts';
import type { Command, Event } from '../core/supervisor.ts';
import type { Worker } from '../core/workerState.ts';
import { Reaper } from '../platform/reaper.ts';
import type { Address, ErrorInfo, ReloadReport, Snapshot, StopReport, Trigger } from '../protocol/status.ts';
import { messageOf, UserError } from '../protocol/userError.ts';
import type { FromWorker, Report } from '../protocol/workerMessages.ts';
import { evaluateBootstrap, type HostParts } from './bootstrapHost.ts';
import { compileCheck } from './compileCheck.ts';
import { ControlServer } from './controlServer.ts';
import {
  declaredDefinition,
  plainDefinition,
  specsOf,
  type Declared,
  type GroupDefinition,
  type ServerDefinition,
} from './definitions.ts';
import { keepTexts, NO_BOOTSTRAP, ProcessFiles, type BootstrapFiles } from './files.ts';
import { environmentOf, launchOf, type LaunchRequest } from './launch.ts';
import { Listeners } from './listeners.ts';
import type { Logger } from './logger.ts';
import type { NodeBinary } from './nodeVersion.ts';
import type { StartOptions } from '../protocol/startOptions.ts';
import { type Output } from './output.ts';
import type { RegistryFile } from './registryEntry.ts';
import { ReloadLog } from './reloadLog.ts';
import { Saves } from './saves.ts';
import { snapshotOf } from './snapshot.ts';
import { Facts } from './facts.ts';
import { explain, groupFiles, isOfInterest, isStaying } from './meaning.ts';
import { RestartFlags } from './restartFlags.ts';
import { placeText, type Terminal } from './terminal.ts';
import { Watcher } from './watcher.ts';
import { WorkerHandle } from './workerHandle.ts';
import { WorkerProcess, type SocketHandle } from './workerProcess.ts';

/** The report of a reload waits this long for old workers to tell what they moved; those that drain longer are counted later. */
const SETTLE_MS = 250;
/** A worker writes its figures once a second; they are pushed together. */
const FIGURES_MS = 1000;

export interface MasterParts {
  readonly options: StartOptions;
  /** The bootstrap script's own name replaces it. */
  readonly name: string;
  readonly node: NodeBinary;
  readonly registry: RegistryFile;
  readonly output: Output;
  readonly errorOutput: Output;
  readonly terminal: Terminal;
  readonly log: Logger;
  /** Added to the environment of every worker. */
  readonly extraEnv: NodeJS.ProcessEnv;
}

export class Master {
  private readonly parts: MasterParts;
  private readonly facts: Facts;
  private readonly queue: Event[] = [];
  private isDraining = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly clock = performance.now();

  private nextDefinition: ServerDefinition | undefined;
  private nextBootstrap: BootstrapFiles | undefined;
  private lastDefinition = 1;
  private probe: WorkerHandle | undefined;

  /** What the group's workers listened on before the change that runs; a reload must keep it. */
  private readonly expected = new Map<string, Set<string>>();
  private readonly listeners: Listeners;
  private readonly reaper = new Reaper();
  private readonly reloads = new ReloadLog();
  private readonly saves: Saves;
  private readonly watcher: Watcher | undefined;
  private readonly control: ControlServer;
  private readonly flags: RestartFlags;

  private isReadyTold = false;
  private stopReport: StopReport = { stopped: 0, forcedKills: 0 };
  private readonly stopWaiters: ((report: StopReport) => void)[] = [];
  private isPushDue = false;
  private figuresTimer: NodeJS.Timeout | undefined;
  private finish: (exitCode: number) => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;
  private exitCode = 0;

  constructor(parts: MasterParts) {
    this.parts = parts;
    this.facts = new Facts(parts.options);
    this.flags = new RestartFlags(this.facts, parts.terminal, () => this.changed());
    this.listeners = new Listeners((group, key) => this.receiverFor(group, key));
    this.saves = new Saves({
      groups: () => groupFiles(this.facts),
      bootstrap: () => this.facts.bootstrap.files.loaded,
      script: this.facts.options.script,
      isOfInterest: (file) => isOfInterest(this.facts, file),
      reload: (groups, trigger) => void this.requestReload(new Map(groups.map((group) => [group, null])), trigger),
      onKnown: () => this.updateFlags(),
      isHeld: (kind, isManual) => this.isHeld(kind, isManual),
    });
    this.watcher = this.facts.options.watch
      ? new Watcher((file) => void this.saves.onFile(file, 'change'), parts.log)
      : undefined;
    const { token } = parts.registry.entry;
    this.control = new ControlServer(
      token,
      this.controlHandlers(),
      () => this.snapshot(),
      (count) => this.onSubscribers(count),
      parts.log,
    );
  }

  /**
   * Runs until the server is stopped.
   *
   * @returns the exit code
   * @throws UserError when the first start shows that it was asked for in a wrong way
   */
  async run(): Promise<number> {
    await this.control.listen(this.parts.registry.entry.socket);
    const over = new Promise<number>((done, fail) => {
      this.finish = done;
      this.fail = fail;
    });
    this.parts.terminal.starting(this.name);
    this.watch(this.facts.options.script);
    this.enqueue({ type: 'start', groups: specsOf(this.facts.definition) });
    return over;
  }

  /** @param force a second request: workers are not waited for */
  requestStop(force: boolean): void {
    if (force) this.exitCode = 130;
    if (!this.facts.core.stopping) this.parts.terminal.stopping(this.name);
    this.enqueue({ type: force ? 'force-stop' : 'stop' });
  }

  // ---- the loop

  private enqueue(event: Event): void {
    this.queue.push(event);
    if (this.isDraining) return;
    this.isDraining = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) {
        for (const command of this.facts.core.handle(next, this.now())) this.perform(command);
      }
    } finally {
      this.isDraining = false;
    }
    this.schedule();
    this.changed();
  }

  private now(): number {
    return performance.now() - this.clock;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const at = this.facts.core.nextDeadline();
    if (at !== null)
      this.timer = setTimeout(() => this.enqueue({ type: 'tick' }), Math.max(1, Math.ceil(at - this.now())));
  }

  private perform(command: Command): void {
    switch (command.type) {
      case 'spawn':
        this.spawn(command.worker);
        return;
      case 'admit': {
        const handle = this.facts.handles.get(command.worker.id);
        handle?.process.send({ t: 'admit' });
        if (this.control.subscribers > 0) handle?.process.send({ t: 'figures', on: true });
        this.onServes(command.worker);
        this.listeners.passParked();
        return;
      }
      case 'drain': {
        const handle = this.facts.handles.get(command.worker.id);
        if (handle) handle.drainedFor = command.change;
        handle?.process.send({ t: 'drain', deadlineMs: command.timeoutMs });
        if (this.facts.core.stopping) this.stopReport.stopped += 1;
        return;
      }
      case 'kill': {
        const handle = this.facts.handles.get(command.worker.id);
        if (command.forced) {
          this.reloads.killed(handle?.drainedFor ?? null);
          if (this.facts.core.stopping) this.stopReport.forcedKills += 1;
        }
        handle?.process.kill();
        return;
      }
      case 'evaluate':
        void this.evaluate(command.change);
        return;
      case 'check':
        void this.check(command.change, command.groups);
        return;
      case 'commit':
        this.commit();
        return;
      case 'release':
        this.listeners.releaseGroup(command.group);
        return;
      case 'began':
        this.onBegan(command.change);
        return;
      case 'ended':
        this.onEnded(command.result);
        return;
      case 'stopped':
        this.onStopped();
        return;
    }
  }

  // ---- workers

  private spawn(worker: Worker): void {
    const group = this.definitionOf(worker);
    let files: ProcessFiles;
    let handle: WorkerHandle;
    try {
      files = new ProcessFiles();
      const launch = launchOf(this.launchRequest(group, worker));
      for (const { path } of group.envFiles) this.trackLater(files, path);
      const child = new WorkerProcess(
        launch,
        this.eventsOf(() => handle),
        this.parts.log,
      );
      handle = new WorkerHandle(worker, child, this.wishOf(worker, group), files);
    } catch (error) {
      const exit: Exit = { code: null, signal: null, error: plainError('rejected', messageOf(error)) };
      this.enqueueLater({ type: 'exited', worker: worker.id, exit, diskDiffers: false });
      return;
    }
    if (this.facts.isBootstrap === null && worker.slot === 1 && this.facts.core.change?.kind === 'start')
      this.probe = handle;
    this.facts.handles.set(worker.id, handle);
    if (handle.process.pid !== undefined) this.reaper.watch(handle.process.pid);
    const prefix = (): string | undefined => this.prefixOf(worker, handle);
    const out = this.parts.output.follow(handle.process.stdout, prefix);
    const errors = this.parts.errorOutput.follow(handle.process.stderr, prefix);
    handle.stderrTail = errors.tail;
    this.releaseOutput.set(worker.id, () => {
      out.release();
      errors.release();
    });
  }

  /** Lines of the first process are held back until it is known whether they are the bootstrap script's. */
  private readonly releaseOutput = new Map<number, () => void>();

  private launchRequest(group: GroupDefinition, worker: Worker): LaunchRequest {
    const isProbe = this.facts.isBootstrap === null && this.facts.core.change?.kind === 'start';
    return {
      node: this.parts.node,
      entry: group.entry,
      args: group.options.args,
      nodeArgs: group.options.nodeArgs,
      cwd: group.cwd,
      env: { ...environmentOf(group), ...this.parts.extraEnv },
      role: isProbe && worker.slot === 1 ? 'probe' : 'worker',
      readyMessage: group.options.ready === 'message',
    };
  }

  private wishOf(worker: Worker, group: GroupDefinition): WorkerHandle['wish'] {
    const change = this.facts.core.change;
    const keepsAddresses = change?.kind !== 'restart';
    const { ready } = group.options;
    return {
      mode: ready === 'message' ? 'message' : typeof ready === 'string' ? 'auto' : 'http',
      expected: keepsAddresses ? new Set(this.expected.get(worker.group)) : new Set(),
      // A restart may make a group listen that did not, or the other way round.
      groupListens: keepsAddresses ? (this.coreGroup(worker.group)?.listens ?? null) : null,
    };
  }

  private eventsOf(handle: () => WorkerHandle): ConstructorParameters<typeof WorkerProcess>[1] {
    return {
      onMessage: (message, socket) => this.onMessage(handle(), message, socket),
      onReport: (report) => this.onReport(handle(), report),
      onAnnounced: () => {
        handle().onAnnounced();
        this.checkReady(handle());
      },
      onExit: (code, signal) => this.onExit(handle(), code, signal),
    };
  }

  private onMessage(handle: WorkerHandle, message: FromWorker, socket: SocketHandle | undefined): void {
    const { group } = handle.worker;
    switch (message.t) {
      case 'booted':
        handle.fallback = message.fallback;
        this.listeners.giveAll(group, handle);
        handle.process.send({ t: 'go', env: this.workerEnv(handle.worker) });
        return;
      case 'donate':
        if (socket) this.listeners.donate(group, message.key, socket);
        return;
      case 'need':
        this.listeners.need(group, handle, message);
        return;
      case 'listening':
        handle.onListening(message.key);
        this.listeners.onListening(group, message.key, message.address);
        if (handle === this.probe) this.settleKind(false);
        if (handle.worker.state.kind === 'ready') {
          this.learnAddresses(group);
          this.enqueue({ type: 'listens', worker: handle.id });
        }
        this.checkReady(handle);
        this.listeners.passParked();
        return;
      case 'unlistened':
        this.onUnlistened(handle, message.key);
        return;
      case 'evaluated':
        handle.onEvaluated();
        if (handle === this.probe) this.settleKind(false);
        this.checkReady(handle);
        return;
      case 'connection':
        if (socket) this.listeners.take(group, message.key, message.remainingMs, socket);
        return;
      case 'adopted':
        this.listeners.adopted(message.id, message.isAdopted);
        return;
      case 'drained':
        this.reloads.drained(handle.drainedFor, message);
        return;
      case 'declared':
        this.onDeclared(handle, { definition: message.definition, env: message.env, cwd: message.cwd });
        return;
      case 'figures':
        handle.takeFigures(message);
        this.figuresTimer ??= setTimeout(() => {
          this.figuresTimer = undefined;
          this.changed();
        }, FIGURES_MS).unref();
        return;
    }
  }

  private onReport(handle: WorkerHandle, report: Report): void {
    handle.takeReport(report);
    if (report.r === 'load') this.watch(report.file);
    if (report.r === 'missing' && report.near !== null) this.watch(report.near);
  }

  private checkReady(handle: WorkerHandle): void {
    if (handle.worker.state.kind !== 'starting') return;
    const readiness = handle.readiness();
    if (readiness.is === 'ready')
      this.enqueue({ type: 'ready', worker: handle.id, listens: handle.listening.size > 0 });
    if (readiness.is === 'failed') {
      this.facts.attempts.set(handle.worker.group, handle.files);
      this.enqueue({ type: 'failed', worker: handle.id, error: readiness.error });
    }
  }

  private onServes(worker: Worker): void {
    this.facts.attempts.delete(worker.group);
    this.learnAddresses(worker.group);
    this.updateFlags();
  }

  private onExit(handle: WorkerHandle, code: number | null, signal: string | null): void {
    const { worker } = handle;
    const { state } = worker;
    this.facts.handles.delete(worker.id);
    if (handle.process.pid !== undefined) this.reaper.forget(handle.process.pid);
    this.listeners.onReceiverGone(worker.id);
    // What it loaded is what a fix will change; of one that served only if nobody is left who loaded the same.
    const isLast = ![...this.facts.handles.values()].some(
      (other) => other.worker.group === worker.group && isStaying(other.worker),
    );
    if (state.kind === 'starting' || state.kind === 'standby' || (state.kind === 'ready' && isLast))
      this.facts.attempts.set(worker.group, handle.files);
    const exit: Exit = { code, signal, error: handle.exitError(code, signal, (path) => this.facts.display(path)) };
    if (handle === this.probe && this.facts.isBootstrap === null) {
      this.settleKind(false);
      if (this.refuseFirstStart(exit)) return;
    }
    // Only now: what it wrote was held back until its kind was known.
    this.releaseOutput.delete(worker.id);
    if (state.kind === 'ready' && !this.facts.core.stopping) {
      const what = `${worker.group}#${worker.slot} ${signal === null ? `exited with code ${code ?? '?'}` : `was ended by ${signal}`}`;
      this.parts.terminal.note(what, code === 0 ? undefined : 'red');
    }
    // A change that is under way loads what is on disk anyway.
    const isInChange = this.facts.core.change?.scope.has(worker.group) ?? false;
    const diskDiffers = !isInChange && this.saves.pending().some(({ groups }) => groups.includes(worker.group));
    this.enqueue({ type: 'exited', worker: worker.id, exit, diskDiffers });
  }

  private onUnlistened(handle: WorkerHandle, key: string): void {
    handle.listening.delete(key);
    const others = [...this.facts.handles.values()].some(
      (other) => other.worker.group === handle.worker.group && other.listening.has(key),
    );
    if (!others) this.listeners.release(handle.worker.group, key);
    this.learnAddresses(handle.worker.group);
  }

  private learnAddresses(group: string): void {
    const keys = [...this.facts.handles.values()]
      .filter(({ worker }) => worker.group === group && worker.state.kind === 'ready')
      .map(({ listening }) => listening);
    const newest = keys.at(-1);
    if (newest) this.expected.set(group, new Set(newest));
  }

  /** The newest generation first, and among those the one with the fewest connections. */
  private receiverFor(group: string, key: string): WorkerHandle | undefined {
    const ready = [...this.facts.handles.values()].filter(
      ({ worker, listening }) => worker.group === group && worker.state.kind === 'ready' && listening.has(key),
    );
    const newest = Math.max(...ready.map(({ worker }) => worker.generation));
    const candidates = ready.filter(({ worker }) => worker.generation === newest);
    return candidates[this.nextReceiver++ % Math.max(1, candidates.length)];
  }

  private nextReceiver = 0;

  // ---- the first process: bootstrap script or program

  private settleKind(isBootstrap: boolean): void {
    if (this.facts.isBootstrap !== null) return;
    this.facts.isBootstrap = isBootstrap;
    for (const request of this.heldRequests.splice(0)) this.enqueueLater({ type: 'request', request });
    for (const release of this.releaseOutput.values()) release();
  }

  private onDeclared(handle: WorkerHandle, declared: Declared): void {
    if (handle !== this.probe) return;
    this.settleKind(true);
    try {
      this.facts.definition = declaredDefinition(this.facts.options, declared, 1);
    } catch (error) {
      this.abort(error);
      return;
    }
    this.parts.registry.rename(this.facts.definition.name ?? this.parts.name);
    this.facts.bootstrap = keepTexts(handle.files);
    this.enqueue({ type: 'declared', groups: specsOf(this.facts.definition) });
  }

  /** A first start that cannot come to anything by a later save ends the command; true when it did. */
  private refuseFirstStart({ error, code }: Exit): boolean {
    const place = error.file === null ? '' : ` at ${placeText(error)}`;
    if (looksLikeBootstrap(this.facts.options.script)) {
      this.abort(
        new UserError(
          'bootstrap-error',
          `The bootstrap script ${this.facts.display(this.facts.options.script)} cannot be evaluated: ${error.message}${place}`,
        ),
      );
      return true;
    }
    if (error.code === 'EADDRINUSE') {
      this.abort(
        new UserError(
          'port-taken',
          `${error.message}. Another program holds it: stop that one, or choose another port.`,
        ),
      );
      return true;
    }
    if (!this.facts.options.watch && code !== 0) {
      this.abort(
        new UserError(
          'internal',
          `${this.facts.display(this.facts.options.script)} cannot be started: ${error.message}${place}`,
        ),
      );
      return true;
    }
    return false;
  }

  private abort(error: unknown): void {
    for (const { process } of this.facts.handles.values()) process.kill();
    this.dispose();
    void this.control.close();
    this.fail(error instanceof Error ? error : new Error(String(error)));
  }

  // ---- changes

  private requestReload(scope: Scope, trigger: Trigger): Promise<ReloadReport> {
    return this.request('reload', scope, trigger);
  }

  /** While it is not known yet what the first process is, a request would end it: it waits until then. */
  private readonly heldRequests: Request[] = [];

  private request(kind: Request['kind'], scope: Scope, trigger: Trigger): Promise<ReloadReport> {
    const { id, result } = this.reloads.waiter();
    const request = this.requestOf(kind, scope, trigger, id);
    if (this.facts.isBootstrap === null) this.heldRequests.push(request);
    else this.enqueue({ type: 'request', request });
    return result;
  }

  private requestOf(kind: Request['kind'], scope: Scope, trigger: Trigger, waiter: number): Request {
    const files = trigger.files.map((file) => this.facts.display(file));
    return {
      kind,
      scope,
      trigger: { kind: trigger.kind, files },
      digest: `content ${this.saves.version}`,
      waiters: [waiter],
    };
  }

  private async evaluate(change: Change): Promise<void> {
    if (!this.facts.isBootstrap) {
      this.nextDefinition = { ...plainDefinition(this.facts.options), number: ++this.lastDefinition };
      this.nextBootstrap = NO_BOOTSTRAP;
      this.enqueueLater({ type: 'evaluated', change: change.id, outcome: specsOf(this.nextDefinition) });
      return;
    }
    const launch = launchOf({
      node: this.parts.node,
      entry: this.facts.options.script,
      args: this.facts.options.args,
      nodeArgs: this.facts.options.nodeArgs,
      cwd: this.facts.options.cwd,
      env: { ...process.env, ...this.parts.extraEnv },
      role: 'bootstrap',
    });
    const { files, outcome } = await evaluateBootstrap(launch, this.hostParts());
    for (const file of files.loaded.keys()) this.watch(file);
    // A newer request may have taken its place meanwhile.
    if (this.facts.core.change?.id !== change.id) return;
    let result: ErrorInfo | undefined;
    if ('definition' in outcome) {
      try {
        this.nextDefinition = declaredDefinition(this.facts.options, outcome, ++this.lastDefinition);
        this.nextBootstrap = keepTexts(files);
      } catch (error) {
        result = plainError('bootstrap-error', messageOf(error), this.facts.display(this.facts.options.script));
      }
    } else {
      result = outcome;
    }
    this.enqueue({ type: 'evaluated', change: change.id, outcome: result ?? specsOf(this.nextDefinition!) });
  }

  private hostParts(): HostParts {
    return {
      output: this.parts.errorOutput,
      log: this.parts.log,
      display: (path) => this.facts.display(path),
      onSpawn: (pid) => this.reaper.watch(pid),
      onExit: (pid) => this.reaper.forget(pid),
    };
  }

  private async check(change: Change, groups: readonly string[]): Promise<void> {
    let error: ErrorInfo | undefined;
    for (const name of groups) {
      const group = (this.nextDefinition ?? this.facts.definition).groups.get(name);
      if (!group || error) continue;
      const entries = change.kind === 'restart' ? [group.entry] : [];
      const changed = this.saves
        .pending()
        .filter((file) => file.groups.includes(name))
        .map(({ file }) => file);
      const present = [...new Set([...entries, ...changed])].filter(
        (file) => /\.[mc]?[jt]sx?$|\.json$/.test(file) && this.saves.disk.digest(file) !== null,
      );
      if (present.length === 0) continue;
      const env = { ...group.inherited, ...group.options.env };
      const launch = launchOf({
        node: this.parts.node,
        entry: group.entry,
        args: [],
        nodeArgs: group.options.nodeArgs,
        cwd: group.cwd,
        env,
        role: 'check',
        check: present,
      });
      error = await compileCheck(launch, (path) => this.facts.display(path), this.parts.log);
      if (error) this.rememberAttempt(name, present);
    }
    this.enqueue({ type: 'checked', change: change.id, error: error ?? null });
  }

  /** The compile check failed on this content: the same content is not tried again. */
  private rememberAttempt(group: string, files: readonly string[]): void {
    const attempt = new ProcessFiles();
    for (const file of files) attempt.loaded.set(file, this.saves.disk.digest(file) ?? null);
    this.facts.attempts.set(group, attempt);
  }

  private commit(): void {
    if (this.nextDefinition) {
      this.facts.definition = this.nextDefinition;
      this.parts.registry.rename(this.facts.definition.name ?? this.parts.name);
    }
    if (this.nextBootstrap) this.facts.bootstrap = this.nextBootstrap;
    this.nextDefinition = undefined;
    this.nextBootstrap = undefined;
    this.expected.clear();
    this.updateFlags();
  }

  private onBegan(change: Change): void {
    this.saves.onChangeBegan();
    for (const group of change.scope.keys()) this.facts.attempts.delete(group);
    if (change.kind !== 'start') this.parts.terminal.began(change);
  }

  private onEnded(result: ChangeResult): void {
    const { change } = result;
    this.nextDefinition = undefined;
    this.nextBootstrap = undefined;
    if (change.kind === 'start') {
      this.onStarted(change, result);
      return;
    }
    const report = this.reloads.add(result, Date.now() - (result.endedAt - change.startedAt));
    if (result.result === 'superseded') {
      this.parts.terminal.ended(change, report, 0, this.facts.core.generation);
    } else {
      void this.settled(change).then(() => {
        const final = this.reloads.report(change) ?? report;
        this.parts.terminal.ended(change, final, this.slotsOf(change), null);
        this.reloads.answer(result.waiters, final);
        this.changed();
      });
    }
    queueMicrotask(() => this.saves.onChangeEnded());
  }

  /** Old workers tell what they moved when they have drained; most do at once. */
  private settled(change: Change): Promise<void> {
    const leaving = [...this.facts.handles.values()].filter(({ drainedFor }) => drainedFor === change.id);
    const gone = Promise.all(leaving.map((handle) => new Promise((done) => handle.process.stdout.once('close', done))));
    return new Promise((done) => {
      const timer = setTimeout(done, SETTLE_MS);
      void gone.then(() => {
        clearTimeout(timer);
        done();
      });
    });
  }

  private onStarted(change: Change, { endedAt, result }: ChangeResult): void {
    const { name } = this;
    const { terminal } = this.parts;
    if (change.error) {
      const place = change.error.file === null ? '' : ` at ${placeText(change.error)}`;
      const isTaken = change.error.code === 'EADDRINUSE' && servedGeneration(this.facts.core.groups) === 0;
      if (isTaken || !this.facts.options.watch) {
        this.abort(
          new UserError(
            isTaken ? 'port-taken' : 'internal',
            `${name} cannot be started: ${change.error.message}${place}`,
          ),
        );
        return;
      }
      terminal.failed(name, `${change.error.message}${place}. The next save starts it.`);
    } else if (result === 'done' && !this.isReadyTold) {
      this.isReadyTold = true;
      const groups = this.facts.core.groups;
      terminal.ready(name, groups.length, this.slotsOf(change), this.addresses(), Math.round(endedAt));
    }
    queueMicrotask(() => this.saves.onChangeEnded());
  }

  private slotsOf(change: Change): number {
    const inScope = this.facts.core.groups.filter((group) => change.scope.has(group.spec.name));
    return inScope.reduce((sum, group) => sum + (change.scope.get(group.spec.name)?.length ?? group.slots.length), 0);
  }

  // ---- files

  private isHeld(kind: 'save' | 'change', isManual: boolean): boolean {
    const policy = this.facts.options.reloadOn ?? 'change';
    return policy === 'never' || (policy === 'manualSave' && kind === 'save' && !isManual);
  }

  private watch(file: string): void {
    this.watcher?.add(file);
  }

  private trackLater(files: ProcessFiles, path: string): void {
    this.watch(path);
    void this.saves.disk.look(path).then(({ digest }) => files.loaded.set(path, digest));
  }

  private updateFlags(): void {
    this.flags.update(this.saves);
  }

  // ---- control

  private controlHandlers(): ConstructorParameters<typeof ControlServer>[1] {
    return {
      status: () => this.snapshot(),
      reload: ({ group, slot }) => this.reloadOnDemand(group, slot),
      restart: () => {
        this.refuseWhenStopping();
        const scope = new Map(this.facts.core.groups.map(({ spec }) => [spec.name, null]));
        return this.request('restart', scope, { kind: 'restart', files: [] });
      },
      explain: ({ file }) => explain(this.facts, file),
      saved: async ({ file, manual }) => ({ acted: await this.saves.onFile(file, 'save', manual) }),
      stop: () =>
        new Promise((done) => {
          this.stopWaiters.push(done);
          this.requestStop(false);
        }),
    };
  }

  private reloadOnDemand(group: string | undefined, slot: number | undefined): Promise<ReloadReport> {
    this.refuseWhenStopping();
    const { groups } = this.facts.core;
    const reloadable = groups.filter(({ spec }) => spec.reloadable);
    const names = groups.map(({ spec }) => spec.name).join(', ');
    const wanted = group === undefined ? reloadable : groups.filter(({ spec }) => spec.name === group);
    if (group !== undefined && wanted.length === 0)
      throw new UserError('usage', `There is no group "${group}". Groups: ${names}.`);
    if (wanted.some(({ spec }) => !spec.reloadable) || wanted.length === 0) {
      throw new UserError(
        'not-reloadable',
        `${group ?? 'No group'} ${group === undefined ? 'of this server is reloadable' : 'is not reloadable'}: use restart.`,
      );
    }
    if (slot !== undefined) {
      if (groups.length > 1 && group === undefined)
        throw new UserError('usage', `--slot needs --group, since there are several: ${names}.`);
      const count = wanted[0]?.slots.length ?? 0;
      if (slot > count) throw new UserError('usage', `There is no slot ${slot}: ${wanted[0]?.spec.name} has ${count}.`);
    }
    const scope = new Map(wanted.map(({ spec }) => [spec.name, slot === undefined ? null : [slot]]));
    return this.requestReload(scope, { kind: 'command', files: [] });
  }

  private refuseWhenStopping(): void {
    if (this.facts.core.stopping) throw new UserError('no-server', `${this.name} is stopping.`);
  }

  private onSubscribers(count: number): void {
    for (const { process, worker } of this.facts.handles.values())
      if (worker.state.kind === 'ready') process.send({ t: 'figures', on: count > 0 });
  }

  private changed(): void {
    if (this.isPushDue) return;
    this.isPushDue = true;
    setImmediate(() => {
      this.isPushDue = false;
      if (this.control.subscribers > 0) this.control.push(this.snapshot());
    });
  }

  private snapshot(): Snapshot {
    return snapshotOf(this.facts, {
      name: this.name,
      addressesOf: (group) => this.listeners.addresses(group),
      needsRestart: this.flags.list(),
      pending: this.isHeldAtAll() ? this.saves.pending() : [],
      reloads: this.reloads.history(),
    });
  }

  private isHeldAtAll(): boolean {
    return this.facts.options.reloadOn === 'never' || this.facts.options.reloadOn === 'manualSave';
  }

  // ---- the end

  private onStopped(): void {
    this.parts.terminal.stopped(this.name, this.stopReport.stopped, this.stopReport.forcedKills);
    // Whoever waits for the end may count on the ports being free.
    this.dispose();
    for (const done of this.stopWaiters.splice(0)) done(this.stopReport);
    void this.control.close().then(() => this.finish(this.exitCode));
  }

  private dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.figuresTimer);
    this.saves.dispose();
    void this.watcher?.close();
    this.listeners.dispose();
    this.reaper.dispose();
    this.parts.registry.remove();
  }

  // ---- small things

  private enqueueLater(event: Event): void {
    queueMicrotask(() => this.enqueue(event));
  }

  private get name(): string {
    return this.parts.registry.entry.name;
  }

  private coreGroup(name: string): Group | undefined {
    return this.facts.core.groups.find(({ spec }) => spec.name === name);
  }

  private definitionOf(worker: Worker): GroupDefinition {
    const of = this.nextDefinition?.number === worker.definition ? this.nextDefinition : this.facts.definition;
    const group = of.groups.get(worker.group);
    if (!group) throw new Error(`no definition of group ${worker.group}`);
    return group;
  }

  private workerEnv(worker: Worker): Record<string, string> {
    return {
      GRACEFUL_RELOAD_SERVER: this.name,
      GRACEFUL_RELOAD_GROUP: worker.group,
      GRACEFUL_RELOAD_SLOT: String(worker.slot),
      GRACEFUL_RELOAD_GENERATION: String(worker.generation),
    };
  }

  private prefixOf(worker: Worker, handle: WorkerHandle): string | undefined {
    if (handle === this.probe) {
      if (this.facts.isBootstrap === null) return undefined;
      if (this.facts.isBootstrap) return 'bootstrap | ';
    }
    if (this.facts.options.prefix === 'never') return '';
    const isAlone = this.facts.core.groups.reduce((sum, { slots }) => sum + slots.length, 0) === 1;
    if (this.facts.options.prefix === 'auto' && isAlone && !process.stdout.isTTY) return '';
    return `${worker.group}#${worker.slot} | `;
  }

  private addresses(): Address[] {
    return this.facts.core.groups.flatMap(({ spec }) => this.listeners.addresses(spec.name));
  }
}

/** Only to word the error of a script that could not be evaluated: whether it was meant as a bootstrap script. */
function looksLikeBootstrap(script: string): boolean {
  try {
    const text = readFileSync(script, 'utf8');
    return (
      /\bdefineServer\b/.test(text) ||
      (/\bgroups\b/.test(text) && /\bexport\s+default\b|\bmodule\.exports\b/.test(text))
    );
  } catch {
    return false;
  }
}

function plainError(code: string, message: string, file: string | null = null): ErrorInfo {
  return { code, message, file, line: null, column: null, stack: null };
}
