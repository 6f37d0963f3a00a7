/**
 * The loop: everything that happens is an event in one queue; the core decides; the commands it answers with are carried
 * out here. Nobody else writes state.
 */
import { dirname } from 'node:path';
import type { Request, Scope } from '../core/requests.ts';
import type { Command, Event } from '../core/events.ts';
import { Reaper } from '../platform/reaper.ts';
import { runtimeFolderRefuses } from '../platform/runtimeFolder.ts';
import type { NeedsRestart, OptionChange, ReloadReport, Snapshot, StopReport, Trigger } from '../protocol/status.ts';
import type { TaskOptions } from '../protocol/taskStart.ts';
import { UserError } from '../protocol/userError.ts';
import type { Report } from '../protocol/workerMessages.ts';
import { Builds } from './builds.ts';
import { Changes } from './changes.ts';
import { ControlServer } from './controlServer.ts';
import { DebugPorts } from './debugPorts.ts';
import { specsOf } from './definitions.ts';
import { refuseUnknownBuild, scopeOfDemand, slotsOfDemand } from './demand.ts';
import { Counting } from './counting.ts';
import { explain } from './explain.ts';
import { Facts } from './facts.ts';
import type { ProcessFiles } from './files.ts';
import { FirstProcess } from './firstProcess.ts';
import { keyActionsOf } from './keyActions.ts';
import type { KeyActions } from './keys.ts';
import { Lives } from './lives.ts';
import type { Loop, MasterParts } from './loop.ts';
import { Intake } from './intake.ts';
import { Presence } from './presence.ts';
import { ReloadLog } from './reloadLog.ts';
import { RestartFlags } from './restartFlags.ts';
import { snapshotOf } from './snapshot.ts';
import { WorkerLogs } from './workerLogs.ts';
import { WantedOptions } from './wantedOptions.ts';
import { Workers } from './workers.ts';

export class Master implements Loop {
  readonly parts: MasterParts;
  readonly facts: Facts;
  private readonly queue: Event[] = [];
  private isDraining = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly clock = performance.now();

  private readonly reaper = new Reaper();
  private readonly reloads = new ReloadLog();
  private readonly lives = new Lives();
  private readonly logs = new WorkerLogs();
  private readonly builds: Builds;
  private readonly first: FirstProcess;
  private readonly workers: Workers;
  private readonly changes: Changes;
  private readonly intake: Intake;
  readonly counting: Counting;
  private readonly control: ControlServer;
  private readonly flags: RestartFlags;
  private readonly wanted: WantedOptions;
  private readonly debugPorts: DebugPorts;
  private presence: Presence | undefined;

  private stopReport: StopReport = { stopped: 0, forcedKills: 0 };
  private readonly stopWaiters: ((report: StopReport) => void)[] = [];
  /** Resolves once nothing is waited for that has to be built before the groups start. */
  private begun: Promise<void> = Promise.resolve();
  private isPushDue = false;
  /** Files whose flags are worked out anew; null: of all that are known to have changed. */
  private flagsDue: Set<string> | null = new Set();
  private finish: (exitCode: number) => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;
  private exitCode = 0;

  constructor(parts: MasterParts) {
    this.parts = parts;
    this.facts = new Facts({ options: parts.options, environment: process.env, task: parts.task });
    this.wanted = new WantedOptions(this.facts, parts);
    this.flags = new RestartFlags(this.facts, parts.terminal, () => this.changed());
    this.builds = new Builds({ loop: this, reaper: this.reaper, logs: this.logs });
    this.first = new FirstProcess(this);
    this.intake = new Intake({
      loop: this,
      reloads: this.reloads,
      builds: this.builds,
      needsRestart: () => {
        this.updateFlags();
        return this.needsRestart();
      },
      name: () => this.name,
      reload: (scope, trigger) => void this.request('reload', scope, trigger),
    });
    this.counting = new Counting({
      facts: this.facts,
      disk: this.intake.saves.disk,
      watch: (file) => this.watch(file),
      watchGlobs: (globs) => this.intake.watchGlobs(globs),
    });
    this.debugPorts = new DebugPorts(this);
    this.workers = new Workers({
      loop: this,
      first: this.first,
      reaper: this.reaper,
      debugPorts: this.debugPorts,
      reloads: this.reloads,
      lives: this.lives,
      logs: this.logs,
      notRun: () => [...this.intake.saves.pending(), ...this.intake.saves.notRun()],
      isCurrent: ({ loaded }) => this.intake.saves.disk.agreesWith(loaded),
      isWatched: () => this.control.watchers > 0,
    });
    this.changes = new Changes({
      loop: this,
      reaper: this.reaper,
      reloads: this.reloads,
      saves: this.intake.saves,
      builds: this.builds,
      wanted: this.wanted,
      addresses: () => this.facts.core.groups.flatMap(({ spec }) => this.workers.addresses(spec.name)),
    });
    const { token } = parts.registry.entry;
    this.control = new ControlServer(
      token,
      this.controlHandlers(),
      () => this.snapshot(),
      (count) => this.workers.figures.askFor(count > 0),
      (client) => {
        this.intake.onGone(client);
        this.logs.onGone(client);
      },
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
    const { socket } = this.parts.registry.entry;
    await this.control.listen(socket).catch((error: unknown) => {
      throw runtimeFolderRefuses(dirname(socket), error);
    });
    this.presence = new Presence({ registry: this.parts.registry, control: this.control, log: this.parts.log });
    const over = new Promise<number>((done, fail) => {
      this.finish = done;
      this.fail = fail;
    });
    // The name may be the bootstrap script's to tell: until then the file stands for it.
    this.parts.terminal.starting(this.facts.options.name ?? this.facts.display(this.facts.options.script));
    this.begin('start');
    return over;
  }

  begin(as: 'start' | 'declared'): void {
    const { definition } = this.facts;
    const go = (type: 'start' | 'declared'): void => {
      // Only now: a folder that is not there cannot be watched.
      this.watch(this.facts.options.script);
      this.enqueue({ type, groups: specsOf(definition) });
    };
    this.builds.start(definition);
    if (!this.builds.isThere(definition)) {
      go(as);
      return;
    }
    this.enqueue({ type: 'awaits-build' });
    this.begun = this.builds
      .current(definition, () => this.isStopping)
      .then(
        () => {
          if (!this.isStopping) go('start');
        },
        (error: unknown) => this.abort(error),
      );
  }

  get isStopping(): boolean {
    return this.facts.core.stopping;
  }

  /** @param force a second request: workers are not waited for */
  requestStop(force: boolean): void {
    if (force) this.exitCode = 130;
    if (!this.facts.core.stopping) this.parts.terminal.stopping(this.name);
    this.debugPorts.dispose();
    void this.builds.stop();
    this.enqueue({ type: force ? 'force-stop' : 'stop' });
  }

  // ---- the loop

  enqueue(event: Event): void {
    this.queue.push(event);
    if (this.isDraining) return;
    this.isDraining = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) {
        if (next.type === 'declared' || next.type === 'awaits-build') this.lives.clear();
        if (next.type === 'exited') this.lives.ended(next.worker, Date.now());
        for (const command of this.facts.core.handle(next, this.now())) this.perform(command);
      }
    } finally {
      this.isDraining = false;
    }
    this.schedule();
    this.workers.update();
    this.changed();
  }

  now(): number {
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
        this.workers.spawn(command.worker);
        return;
      case 'admit':
        this.workers.admit(command.worker);
        this.lives.serves(command.worker.id, Date.now());
        return;
      case 'drain':
        this.workers.drain(command);
        this.lives.drains(command.worker.id, Date.now());
        if (this.facts.core.stopping) this.stopReport.stopped += 1;
        return;
      case 'deadline':
        this.workers.deadline(command);
        return;
      case 'hurry':
        this.workers.hurry(command.worker);
        return;
      case 'kill':
        this.workers.kill(command);
        if (command.forced) this.lives.killed(command.worker.id);
        if (command.forced && this.facts.core.stopping) this.stopReport.forcedKills += 1;
        return;
      case 'evaluate':
        void this.changes.evaluate(command.change);
        return;
      case 'check':
        void this.changes.check(command.change, command.groups);
        return;
      case 'commit':
        this.changes.commit();
        this.workers.onCommitted();
        this.debugPorts.settle();
        return;
      case 'release':
        this.workers.release(command.group);
        return;
      case 'began':
        this.workers.onNeed(command.change.scope.keys());
        this.changes.began(command.change);
        return;
      case 'ended':
        this.changes.ended(command.result);
        this.workers.onChangeEnded();
        this.logs.keepOnly(this.facts.core.groups, this.builds.commands());
        return;
      case 'stopped':
        this.onStopped();
        return;
    }
  }

  enqueueLater(event: Event): void {
    queueMicrotask(() => this.enqueue(event));
  }

  abort(error: unknown): void {
    this.workers.killAll();
    void this.builds.stop();
    this.dispose();
    void this.control.close();
    this.fail(error instanceof Error ? error : new Error(String(error)));
  }

  // ---- files

  watch(file: string): void {
    this.intake.watch(file);
  }

  takeReport(files: ProcessFiles, report: Report): void {
    this.counting.take(files, report);
  }

  private updateFlags(): void {
    const due = this.flagsDue;
    if (due?.size === 0) return;
    this.flagsDue = new Set();
    this.wanted.onFiles(due);
    this.flags.update(this.intake.saves.disk, due);
  }

  reconsiderFiles(file?: string): void {
    this.workers.onFiles();
    // Files change by the hundred: what that means for the flags is worked out once for all of them.
    if (file === undefined) this.flagsDue = null;
    else this.flagsDue?.add(file);
    this.changed();
  }

  // ---- requests

  private request(kind: Request['kind'], scope: Scope, trigger: Trigger): Promise<ReloadReport> {
    const { id, result } = this.reloads.waiter();
    const request = this.requestOf(kind, scope, trigger, id);
    if (this.facts.isBootstrap === null) this.first.hold(request);
    else this.enqueue({ type: 'request', request });
    return result;
  }

  private finishNow(group: string, slot: number): { finished: number } {
    const draining = [...this.facts.handles.values()].filter(
      ({ worker }) => worker.group === group && worker.slot === slot && worker.state.kind === 'draining',
    );
    if (draining.length === 0) throw new UserError('usage', `No worker of ${group}#${slot} is finishing its work.`);
    for (const { id } of draining) this.enqueue({ type: 'finish', worker: id });
    return { finished: draining.length };
  }

  private requestOf(kind: Request['kind'], scope: Scope, trigger: Trigger, waiter: number): Request {
    const files = trigger.files.map((file) => this.facts.display(file));
    return {
      kind,
      scope,
      trigger: { kind: trigger.kind, files },
      digest: `content ${this.intake.saves.version}, options ${this.wanted.version}`,
      waiters: [waiter],
    };
  }

  private tellTaskOptions(told: TaskOptions): OptionChange[] {
    const changes = this.wanted.tell(told);
    this.changed();
    return changes;
  }

  private needsRestart(): NeedsRestart[] {
    return [...this.flags.list(), ...this.wanted.flags];
  }

  private controlHandlers(): ConstructorParameters<typeof ControlServer>[1] {
    return {
      status: async () => {
        await this.workers.figures.fresh();
        return this.snapshot();
      },
      reload: async ({ group, slot }) => {
        await this.whenBegun();
        this.intake.onCommand();
        const scope = scopeOfDemand(this.facts.core.groups, group, slot);
        return this.request('reload', scope, { kind: 'command', files: [] });
      },
      restart: async ({ options }) => {
        await this.whenBegun();
        if (options) this.tellTaskOptions(options);
        this.intake.onCommand();
        const scope = new Map(this.facts.core.groups.map(({ spec }) => [spec.name, null]));
        return this.request('restart', scope, { kind: 'restart', files: [] });
      },
      taskOptions: (told) => ({ changed: this.tellTaskOptions(told) }),
      finish: ({ group, slot }) => this.finishNow(group, slot),
      history: () => ({ lives: this.lives.list() }),
      logs: (asked, client) => {
        // Which groups there will be is not known before.
        if (this.facts.hasBegun) {
          slotsOfDemand(this.facts.core.groups, asked.group, asked.slot);
          refuseUnknownBuild(this.builds.commands(), asked.build);
        }
        return this.logs.read(asked, client);
      },
      inspect: async ({ group, slot }) => {
        this.refuseWhenStopping();
        const meant = slotsOfDemand(this.facts.core.groups, group, slot);
        return { workers: await Promise.all(meant.map((place) => this.debugPorts.open(place))) };
      },
      explain: ({ file }) => this.intake.explain(this.wanted.explain(file, explain(this.facts, file))),
      runningText: ({ file }) => ({ text: this.facts.runningText(file) ?? null }),
      ...this.intake.handlers,
      stop: () =>
        new Promise((done) => {
          this.stopWaiters.push(done);
          this.requestStop(false);
        }),
    };
  }

  keyActions(): KeyActions {
    return keyActionsOf({
      handlers: this.controlHandlers(),
      addresses: () => this.snapshot().addresses,
      stop: () => this.requestStop(false),
      terminal: this.parts.terminal,
    });
  }

  private refuseWhenStopping(): void {
    if (this.facts.core.stopping) throw new UserError('no-server', `${this.name} is stopping.`);
  }

  /** What is asked for while the groups wait for their build is done after it. */
  private async whenBegun(): Promise<void> {
    this.refuseWhenStopping();
    await this.begun;
    this.refuseWhenStopping();
  }

  changed(): void {
    if (this.isPushDue) return;
    this.isPushDue = true;
    setImmediate(() => {
      this.isPushDue = false;
      this.updateFlags();
      this.intake.changed();
      if (this.control.subscribers > 0) this.control.push(this.snapshot());
    });
  }

  private snapshot(): Snapshot {
    this.updateFlags();
    return snapshotOf(this.facts, {
      name: this.name,
      addressesOf: (group) => this.workers.addresses(group),
      sparesOf: (group) => this.workers.spareCount(group),
      loadedAheadOf: (group) => this.workers.loadedAhead(group),
      needsRestart: this.needsRestart(),
      ...this.intake.status(),
      builds: this.builds.status(this.facts.definition),
      reloads: this.reloads.history(),
      inspectPortOf: (handle) => this.debugPorts.portOf(handle),
    });
  }

  // ---- the end

  private onStopped(): void {
    this.parts.terminal.stopped(this.name, this.stopReport.stopped, this.stopReport.forcedKills);
    // Whoever waits for the end may count on the ports being free.
    void Promise.all([this.workers.endSpares(), this.builds.stop()]).then(() => {
      this.dispose();
      for (const done of this.stopWaiters.splice(0)) done(this.stopReport);
      void this.control.close().then(() => this.finish(this.exitCode));
    });
  }

  private dispose(): void {
    clearTimeout(this.timer);
    this.intake.dispose();
    this.workers.dispose();
    this.logs.dispose();
    this.debugPorts.dispose();
    this.reaper.dispose();
    this.presence?.dispose();
    this.parts.registry.remove();
  }

  private get name(): string {
    return this.parts.registry.entry.name;
  }
}
