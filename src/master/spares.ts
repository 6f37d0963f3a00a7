/**
 * The processes of groups from their start until a worker takes them. Spares have booted and stand before their entry, with
 * the group's listening handles in hand: a new worker has nothing left to do but to load the program.
 */
import { idleAt, wishOf, type SpareNeed } from '../core/spares.ts';
import type { Reaper } from '../platform/reaper.ts';
import type { PreloadConfig } from '../protocol/worker.ts';
import type { FromWorker, Report } from '../protocol/workerMessages.ts';
import type { Aheads } from './aheads.ts';
import { compileCacheFolder } from './compileCache.ts';
import type { GroupDefinition } from './definitions.ts';
import type { ProcessFiles } from './files.ts';
import { GroupProcess } from './groupProcess.ts';
import { launchOf, readEnvironment, type Environment, type Launch } from './launch.ts';
import type { Listeners } from './listeners.ts';
import type { Loop } from './loop.ts';
import type { WorkerEvents } from './workerProcess.ts';

/** A new spare begins to boot so long after it was first wanted: the first requests to the new code come before it. */
const REFILL_AFTER_MS = 20;

export interface SparesParts {
  readonly loop: Loop;
  readonly reaper: Reaper;
  readonly listeners: Listeners;
  readonly aheads: Aheads;
  /** Whether what the process loaded is still what is on disk, as far as that is known. */
  readonly isCurrent: (files: ProcessFiles) => boolean;
}

const NEVER_NEEDED: SpareNeed = { neededAt: -Infinity, isBroken: false };

export class Spares {
  private readonly parts: SparesParts;
  private readonly loop: Loop;
  /** By group: those that wait, booted or on their way; the oldest first. */
  private readonly waiting = new Map<string, GroupProcess[]>();
  private readonly needs = new Map<string, SpareNeed>();
  /** Undefined until it is needed; null: there can be none. */
  private cacheFolder: string | null | undefined;
  private timer: { readonly handle: NodeJS.Timeout; readonly at: number } | undefined;
  /** Ended, but not gone yet. */
  private readonly leaving = new Set<GroupProcess>();
  private onGone: () => void = () => undefined;

  constructor(parts: SparesParts) {
    this.parts = parts;
    this.loop = parts.loop;
  }

  /** How many of the group stand ready before their entry. */
  count(group: string): number {
    return this.of(group).filter(({ booted }) => booted !== null).length;
  }

  /** How many files of packages those of the group have loaded ahead of the program, each of them. */
  loadedAhead(group: string): number {
    const all = this.of(group).map(({ loadedAhead }) => loadedAhead ?? 0);
    return all.length === 0 ? 0 : Math.min(...all);
  }

  /**
   * The process for a new worker: a spare, else one that starts now. A spare that still boots is there sooner than another.
   *
   * @throws UserError when the group cannot be started at all
   */
  process(group: GroupDefinition, role: PreloadConfig['role']): GroupProcess {
    const environment = environmentOf(group);
    const launch = this.launch(group, role, environment);
    const spare = role === 'worker' ? this.take(group.name, launch) : undefined;
    return spare ?? this.begin(group, launch, environment, NO_EVENTS);
  }

  /** Something has happened: spares that nobody will take go now, new ones begin in a moment. */
  update(): void {
    if (this.loop.facts.core.stopping) {
      void this.end();
      return;
    }
    const now = this.loop.now();
    let wakeAt = Infinity;
    for (const { spec } of this.loop.facts.core.groups) {
      const surplus = this.surplus(spec.name, now);
      for (const spare of surplus > 0 ? this.of(spec.name).slice(-surplus) : []) this.drop(spec.name, spare);
      if (surplus < 0) wakeAt = Math.min(wakeAt, now + REFILL_AFTER_MS);
      if (this.of(spec.name).length > 0) wakeAt = Math.min(wakeAt, idleAt(this.need(spec.name)));
    }
    this.wakeAt(wakeAt);
  }

  /** A change begins in these groups, or is about to. */
  needed(groups: Iterable<string>): void {
    for (const group of groups) this.needs.set(group, { neededAt: this.loop.now(), isBroken: false });
  }

  /** What is on disk is known anew: spares that hold something else go. */
  onFiles(): void {
    for (const [group, spares] of this.waiting)
      for (const spare of spares) if (!this.parts.isCurrent(spare.files)) this.drop(group, spare);
  }

  /** A definition is in force: spares that it would not start that way go. */
  onCommitted(): void {
    const { groups } = this.loop.facts.definition;
    for (const [name, spares] of this.waiting) {
      const group = groups.get(name);
      for (const spare of spares) if (!group || !this.isStartedAs(group, spare)) this.drop(name, spare);
    }
  }

  /** What the group's spares are to load ahead may be another now: those that have loaded something else go. */
  onAhead(name: string): void {
    const wanted = this.parts.aheads.of(name);
    for (const spare of this.of(name))
      if (spare.ahead && !isSame(spare.ahead, wanted)) this.drop(name, spare);
      else if (!spare.ahead && wanted && spare.booted) spare.loadAhead(wanted, this.compileCache);
  }

  /** It cannot run the program: neither can others that have loaded the same. */
  onCold(name: string, report: Extract<Report, { r: 'cold' }> | undefined): void {
    this.parts.aheads.refuse(name, report);
    this.onAhead(name);
  }

  /** The group has an address that it did not have before. */
  giveAll(group: string): void {
    for (const spare of this.of(group)) if (spare.booted) this.parts.listeners.giveAll(group, spare);
  }

  forget(group: string, key: string): void {
    for (const spare of this.of(group)) spare.forget(key);
  }

  /** Ends them all; resolves once they are gone, and with them their copies of the listening handles. */
  async end(): Promise<void> {
    this.wakeAt(Infinity);
    for (const [group, spares] of this.waiting) for (const spare of spares) this.drop(group, spare);
    if (this.leaving.size === 0) return;
    await new Promise<void>((gone) => {
      const { onGone } = this;
      this.onGone = () => {
        onGone();
        gone();
      };
    });
  }

  private get compileCache(): string | null {
    if (this.cacheFolder === undefined) this.cacheFolder = compileCacheFolder(new Date()) ?? null;
    return this.cacheFolder;
  }

  private of(group: string): readonly GroupProcess[] {
    return this.waiting.get(group) ?? [];
  }

  private need(group: string): SpareNeed {
    return this.needs.get(group) ?? NEVER_NEEDED;
  }

  /** More than are wanted; below 0: so many are missing. */
  private surplus(name: string, now: number): number {
    const group = this.loop.facts.group(name);
    const wish = group ? wishOf(group, this.loop.facts.core.change, this.need(name), now) : 0;
    return wish === 'hold' ? 0 : this.of(name).length - wish;
  }

  private refill(): void {
    const now = this.loop.now();
    for (const { spec } of this.loop.facts.core.groups)
      for (let missing = -this.surplus(spec.name, now); missing > 0; missing--) this.start(spec.name);
  }

  private wakeAt(at: number): void {
    if (this.timer && this.timer.at <= at && at !== Infinity) return;
    clearTimeout(this.timer?.handle);
    this.timer = undefined;
    if (at === Infinity) return;
    const wake = (): void => {
      this.timer = undefined;
      this.refill();
      this.update();
    };
    const handle = setTimeout(wake, Math.max(1, at - this.loop.now()));
    handle.unref();
    this.timer = { handle, at };
  }

  private start(name: string): void {
    const group = this.loop.facts.definition.groups.get(name);
    if (!group) return;
    try {
      const environment = environmentOf(group);
      const spare: GroupProcess = this.begin(group, this.launch(group, 'worker', environment), environment, {
        onMessage: (message) => this.onMessage(name, spare, message),
        onReport: (report) => {
          this.loop.takeReport(spare.files, report);
          if (report.r !== 'cold') return;
          spare.isSpoiled = true;
          this.onCold(name, report);
        },
        onAnnounced: () => undefined,
        onExit: () => this.onExit(name, spare),
      });
      this.waiting.set(name, [...this.of(name), spare]);
    } catch {
      // The next worker will say what is wrong.
      this.needs.set(name, { ...this.need(name), isBroken: true });
    }
  }

  private onMessage(name: string, spare: GroupProcess, message: FromWorker): void {
    if (message.t === 'booted') {
      spare.booted = message;
      this.parts.listeners.giveAll(name, spare);
      this.warmUp(name, spare);
      const ahead = this.parts.aheads.of(name);
      if (ahead) spare.loadAhead(ahead, this.compileCache);
      this.loop.changed();
    }
    if (message.t === 'preloaded') this.onPreloaded(name, spare, message);
  }

  private warmUp(name: string, { launch, process }: GroupProcess): void {
    const { stripsTypes, asksItself } = launch.warmUp;
    const listens = asksItself && this.loop.facts.group(name)?.listens === true;
    if (stripsTypes || listens) process.send({ t: 'warm-up', stripsTypes, listens });
  }

  onPreloaded(name: string, spare: GroupProcess, { dependencies, ms }: Extract<FromWorker, { t: 'preloaded' }>): void {
    spare.loadedAhead = dependencies;
    // One that was called for has not loaded them all.
    if (this.of(name).includes(spare)) this.parts.aheads.loaded(name, ms);
    this.loop.changed();
  }

  private onExit(name: string, spare: GroupProcess): void {
    if (spare.process.pid !== undefined) this.parts.reaper.forget(spare.process.pid);
    spare.discardOutput();
    this.leaving.delete(spare);
    if (this.leaving.size === 0) this.onGone();
    if (this.of(name).includes(spare)) this.onLost(name, spare);
    if (!this.loop.facts.core.stopping) this.update();
  }

  private onLost(name: string, spare: GroupProcess): void {
    this.remove(name, spare);
    // The next one loads nothing ahead that this one may have ended over.
    if (spare.loadedAhead === null && !spare.isSpoiled) this.onCold(name, undefined);
    if (!spare.isUnfit) this.needs.set(name, { ...this.need(name), isBroken: true });
    this.loop.changed();
  }

  private drop(name: string, spare: GroupProcess): void {
    this.remove(name, spare);
    this.leaving.add(spare);
    spare.process.kill();
    this.loop.changed();
  }

  private remove(name: string, spare: GroupProcess): void {
    this.waiting.set(
      name,
      this.of(name).filter((other) => other !== spare),
    );
  }

  private take(name: string, launch: Launch): GroupProcess | undefined {
    for (const spare of this.of(name))
      if (!isSame(spare.launch, launch) || !this.parts.isCurrent(spare.files)) this.drop(name, spare);
    const [first] = this.of(name);
    if (first) this.remove(name, first);
    return first;
  }

  private isStartedAs(group: GroupDefinition, spare: GroupProcess): boolean {
    try {
      return isSame(spare.launch, this.launch(group, 'worker', environmentOf(group)));
    } catch {
      return false;
    }
  }

  private begin(group: GroupDefinition, launch: Launch, environment: Environment, events: WorkerEvents): GroupProcess {
    const begun = new GroupProcess(launch, this.loop, events);
    const { entry, cwd, options } = group;
    this.loop.counting.began(begun.files, { entry, nodeArgs: options.nodeArgs, cwd }, environment);
    if (begun.process.pid !== undefined) this.parts.reaper.watch(begun.process.pid);
    return begun;
  }

  private launch(group: GroupDefinition, role: PreloadConfig['role'], { env }: Environment): Launch {
    return launchOf({
      node: this.loop.parts.node,
      entry: group.entry,
      args: group.options.args,
      nodeArgs: group.options.nodeArgs,
      cwd: group.cwd,
      env: { ...env, ...this.loop.parts.extraEnv },
      role,
      readyMessage: group.options.ready === 'message',
      inspects: group.inspect !== undefined,
      root: this.loop.facts.options.cwd,
    });
  }
}

function environmentOf({ envFiles, inherited, options }: GroupDefinition): Environment {
  return readEnvironment(envFiles, inherited, options.env);
}

/** Until a worker has taken it, which is before anything can happen. */
const NO_EVENTS: WorkerEvents = {
  onMessage: () => undefined,
  onReport: () => undefined,
  onAnnounced: () => undefined,
  onExit: () => undefined,
};

const isSame = <T>(one: T, other: T): boolean => JSON.stringify(one) === JSON.stringify(other);
