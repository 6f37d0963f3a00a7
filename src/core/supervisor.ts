/**
 * Decides everything: events in, commands out, no clock and no effect of its own. A reload is a generation number, not a
 * procedure: each slot has a target, a worker below it is stale, and every step replaces at most one stale worker of a
 * group once the others are ready. Crashes, time-outs, newer saves and changed counts need no branch of their own.
 */
import type { ErrorInfo, ServerState } from '../protocol/status.ts';
import { concerns, isCommitted, type Change, type ChangeResult } from './change.ts';
import {
  anyServing,
  isComing,
  isMissing,
  isSettled,
  isStale,
  newGroup,
  newSlot,
  orderOf,
  serving,
  successor,
  workersOf,
  type Exit,
  type Group,
  type GroupSpec,
  type Slot,
} from './pool.ts';
import { joins, mergeRequests, type Request } from './requests.ts';
import { backoffDelay, STABLE_AFTER_MS } from './restartPolicy.ts';
import { transition, type DrainReason, type Worker, type WorkerStep } from './workerState.ts';

export type Event =
  | { readonly type: 'start'; readonly groups: readonly GroupSpec[] }
  /** The first process turned out to be a bootstrap script: these groups replace the one that was assumed. */
  | { readonly type: 'declared'; readonly groups: readonly GroupSpec[] }
  | { readonly type: 'request'; readonly request: Request }
  | { readonly type: 'evaluated'; readonly change: number; readonly outcome: readonly GroupSpec[] | ErrorInfo }
  | { readonly type: 'checked'; readonly change: number; readonly error: ErrorInfo | null }
  | { readonly type: 'ready'; readonly worker: number; readonly listens: boolean }
  /** A worker listens that was ready without. */
  | { readonly type: 'listens'; readonly worker: number }
  /** It will never be ready: its readiness said so while the process is still there. */
  | { readonly type: 'failed'; readonly worker: number; readonly error: ErrorInfo }
  | { readonly type: 'exited'; readonly worker: number; readonly exit: Exit; readonly diskDiffers: boolean }
  | { readonly type: 'stop' }
  | { readonly type: 'force-stop' }
  | { readonly type: 'tick' };

export type Command =
  | { readonly type: 'spawn'; readonly worker: Worker }
  | { readonly type: 'admit'; readonly worker: Worker }
  | { readonly type: 'drain'; readonly worker: Worker; readonly timeoutMs: number; readonly change: number | null }
  | { readonly type: 'kill'; readonly worker: Worker; readonly forced: boolean }
  | { readonly type: 'evaluate'; readonly change: Change }
  | { readonly type: 'check'; readonly change: Change; readonly groups: readonly string[] }
  /** The definition that was evaluated is in force from now on. */
  | { readonly type: 'commit'; readonly change: Change }
  /** The last worker of a group that is no more has gone: its addresses are free. */
  | { readonly type: 'release'; readonly group: string }
  | { readonly type: 'began'; readonly change: Change }
  | { readonly type: 'ended'; readonly result: ChangeResult }
  | { readonly type: 'stopped' };

export class Supervisor {
  groups: Group[] = [];
  /** The newest generation number given out. */
  generation = 0;
  change: Change | null = null;
  queued: Request | null = null;
  stopping = false;
  private removed: Group[] = [];
  private lastWorker = 0;
  private lastChange = 0;
  private ended = false;
  private now = 0;
  private out: Command[] = [];

  /** Takes one event at the time `now` (ms on any steady clock) and answers with what is to be done, in order. */
  handle(event: Event, now: number): Command[] {
    this.now = now;
    this.out = [];
    this.apply(event);
    this.expireDeadlines();
    if (this.stopping) this.planStop();
    else this.plan();
    return this.out;
  }

  /** When `tick` is due next; null when nothing waits for time. */
  nextDeadline(): number | null {
    const times: number[] = [];
    for (const worker of this.allWorkers()) {
      if (worker.state.kind === 'starting') times.push(worker.state.readyBy);
      if (worker.state.kind === 'draining' && !worker.state.killed) times.push(worker.state.killAt);
    }
    for (const slot of this.groups.flatMap((group) => group.slots)) {
      // One that is due already waits for a change or for its predecessor's exit, not for time.
      const tryAt = slot.backoff?.nextTryAt ?? this.now;
      if (tryAt > this.now && isMissing(slot)) times.push(tryAt);
    }
    return times.length === 0 ? null : Math.min(...times);
  }

  serverState(): ServerState {
    if (this.stopping) return this.ended ? 'stopped' : 'stopping';
    if (this.change) return this.change.kind === 'start' ? 'starting' : 'reloading';
    const slots = this.groups.flatMap((group) => group.slots);
    if (slots.some((slot) => serving(slot))) return 'running';
    if (slots.some((slot) => successor(slot))) return 'starting';
    return slots.length > 0 && slots.every((slot) => slot.stopped) ? 'stopped' : 'failed';
  }

  worker(id: number): Worker | undefined {
    return this.allWorkers().find((worker) => worker.id === id);
  }

  private allWorkers(): Worker[] {
    return workersOf([...this.groups, ...this.removed, ...(this.change?.added ?? [])]);
  }

  // ---- events

  private apply(event: Event): void {
    switch (event.type) {
      case 'start':
        this.generation = 1;
        this.groups = event.groups.map((spec) => newGroup(spec, 1));
        this.beginStart();
        return;
      case 'declared':
        this.groups = event.groups.map((spec) => newGroup(spec, this.generation));
        this.change = null;
        this.beginStart();
        return;
      case 'request':
        this.applyRequest(event.request);
        return;
      case 'evaluated':
        this.applyEvaluated(event.change, event.outcome);
        return;
      case 'checked':
        this.applyChecked(event.change, event.error);
        return;
      case 'ready':
        this.applyReady(event.worker, event.listens);
        return;
      case 'listens': {
        const worker = this.worker(event.worker);
        if (worker) this.groupOf(worker).listens = true;
        return;
      }
      case 'failed':
        this.applyFailed(event.worker, event.error);
        return;
      case 'exited':
        this.applyExited(event.worker, event.exit, event.diskDiffers);
        return;
      case 'stop':
        this.beginStop();
        return;
      case 'force-stop':
        this.beginStop();
        for (const worker of this.allWorkers()) this.kill(worker, true);
        return;
      case 'tick':
        return;
    }
  }

  private applyRequest(request: Request): void {
    if (this.stopping) return;
    if (this.change && joins(this.change, request)) {
      this.change.waiters = [...this.change.waiters, ...request.waiters];
      return;
    }
    this.queued = this.queued ? mergeRequests(this.queued, request) : request;
  }

  private applyEvaluated(changeId: number, outcome: readonly GroupSpec[] | ErrorInfo): void {
    const change = this.change;
    if (change?.id !== changeId || change.phase !== 'evaluate') return;
    if (!isSpecs(outcome)) {
      this.reject(change, outcome, []);
      return;
    }
    change.next = outcome;
    change.scope = new Map(outcome.map((spec) => [spec.name, null]));
    const present = new Set(this.groups.map((group) => group.spec.name));
    change.added = outcome.filter((spec) => !present.has(spec.name)).map((spec) => newGroup(spec, change.generation));
    this.startCheck(change);
  }

  private applyChecked(changeId: number, error: ErrorInfo | null): void {
    const change = this.change;
    if (change?.id !== changeId || change.phase !== 'check') return;
    if (error) this.reject(change, error, this.guardedByCheck(change));
    else this.startCanaries(change);
  }

  private applyReady(id: number, listens: boolean): void {
    const worker = this.worker(id);
    if (worker?.state.kind !== 'starting') return;
    const group = this.groupOf(worker);
    const change = this.changeOf(worker);
    // One that says it is ready before it listens does not make a server a program that does not; only a restart may.
    group.listens = listens || (group.listens === true && change?.kind !== 'restart');
    if (worker.generation === group.rejected) this.forgetRejection(group, worker.generation);
    if (change) change.firstReadyAt ??= this.now;
    if (change?.phase === 'canary') this.step(worker, { to: 'standby' });
    else this.admit(worker, group);
  }

  private applyFailed(id: number, error: ErrorInfo): void {
    const worker = this.worker(id);
    if (!worker || !isComing(worker)) return;
    this.kill(worker, false);
    this.bootFailed(worker, this.groupOf(worker), this.slotOf(worker), { code: null, signal: null, error });
  }

  private applyExited(id: number, exit: Exit, diskDiffers: boolean): void {
    const worker = this.worker(id);
    if (!worker) return;
    const group = this.groupOf(worker);
    const slot = this.slotOf(worker);
    slot.workers = slot.workers.filter((other) => other !== worker);
    switch (worker.state.kind) {
      case 'starting':
      case 'standby':
        this.bootFailed(worker, group, slot, exit);
        return;
      case 'ready':
        if (exit.code === 0 && group.listens === false) slot.stopped = { exit, generation: worker.generation };
        else this.crashed(group, slot, exit, this.now - worker.state.since, diskDiffers);
        return;
      case 'draining':
      case 'ending':
        return;
    }
  }

  /** A worker that served is gone. Its successor loads what is on disk, which may be another version. */
  private crashed(group: Group, slot: Slot, exit: Exit, servedMs: number, diskDiffers: boolean): void {
    if (successor(slot)) return;
    slot.crashes = servedMs >= STABLE_AFTER_MS ? 1 : slot.crashes + 1;
    const waits = group.rejected !== null && anyServing(group);
    const isNewer = diskDiffers && group.rejected === null && group.spec.reloadable;
    slot.backoff = { exit, nextTryAt: waits ? null : this.now + backoffDelay(slot.crashes), isNewer };
  }

  /** A worker ended, or was ended, before it was ready. */
  private bootFailed(worker: Worker, group: Group, slot: Slot, exit: Exit): void {
    const change = this.changeOf(worker);
    if (!serving(slot)) {
      if (exit.code === 0 && group.listens !== true) {
        // A program that is done before it counts as ready, such as a script that ends in `process.exit()`.
        slot.stopped = { exit, generation: worker.generation };
        group.listens ??= false;
        this.endOlder(slot, worker.generation);
        return;
      }
      slot.stopped = null;
      slot.crashes += 1;
      const isRejected = change !== null || group.rejected !== null;
      const waits = change?.kind === 'start' || (isRejected && anyServing(group));
      slot.backoff = {
        exit,
        nextTryAt: waits ? null : this.now + Math.max(backoffDelay(slot.crashes), 250),
        isNewer: false,
      };
    }
    if (!change) return;
    if (change.kind === 'start') {
      change.error ??= exit.error;
      for (const other of group.slots)
        if (isMissing(other)) other.backoff ??= { exit, nextTryAt: null, isNewer: false };
    } else {
      this.reject(change, exit.error, [group]);
    }
  }

  /** What is on disk serves after all: slots that were kept from loading it come back. */
  private forgetRejection(group: Group, generation: number): void {
    group.rejected = null;
    for (const slot of group.slots) {
      if (slot.backoff?.nextTryAt !== null) continue;
      slot.target = generation;
      slot.backoff = { ...slot.backoff, nextTryAt: this.now };
    }
  }

  // ---- changes

  private beginStart(): void {
    const change = this.newChange({
      kind: 'start',
      scope: new Map(this.groups.map((group) => [group.spec.name, null])),
      trigger: { kind: 'command', files: [] },
      digest: 'start',
      waiters: [],
    });
    // Nothing is there that a canary could guard: each group comes up by itself.
    change.phase = 'roll';
  }

  private newChange(from: Pick<Change, 'kind' | 'scope' | 'trigger' | 'digest' | 'waiters'>): Change {
    this.change = {
      ...from,
      // The first start is none of the reloads that are counted for people.
      id: from.kind === 'start' ? 0 : ++this.lastChange,
      generation: this.generation,
      startedAt: this.now,
      phase: 'canary',
      next: null,
      added: [],
      firstReadyAt: null,
      replaced: 0,
      error: null,
    };
    this.out.push({ type: 'began', change: this.change });
    return this.change;
  }

  private begin(request: Request): void {
    this.generation += 1;
    const change = this.newChange(request);
    for (const group of this.groups) {
      for (const slot of group.slots) {
        if (concerns(change, group.spec.name, slot.index) && change.trigger.kind !== 'crash') slot.crashes = 0;
      }
    }
    if (change.kind === 'restart') {
      change.phase = 'evaluate';
      this.out.push({ type: 'evaluate', change });
    } else {
      this.startCheck(change);
    }
  }

  /** Before a `stop-first` group loses a worker, or is new, what it would load must at least compile. */
  private startCheck(change: Change): void {
    const groups = this.guardedByCheck(change);
    if (groups.length === 0) {
      this.startCanaries(change);
      return;
    }
    change.phase = 'check';
    this.out.push({ type: 'check', change, groups: groups.map((group) => group.spec.name) });
  }

  private guardedByCheck(change: Change): Group[] {
    return [...this.groups.filter(anyServing), ...change.added].filter(
      (group) => change.scope.has(group.spec.name) && orderOf(group, this.specFor(change, group)) === 'stop-first',
    );
  }

  /** One for each group that reloads; none where two copies of a program must not run, not even for a moment. */
  private startCanaries(change: Change): void {
    change.phase = 'canary';
    for (const group of [...this.groups, ...change.added]) {
      if (!change.scope.has(group.spec.name)) continue;
      const spec = this.specFor(change, group);
      if (!spec.reloadable || orderOf(group, spec) === 'stop-first') continue;
      const slots = group.slots.filter((slot) => concerns(change, spec.name, slot.index) && slot.index <= spec.workers);
      const slot = slots.find(isMissing) ?? slots.find((candidate) => !successor(candidate)) ?? slots[0];
      if (slot) this.spawn(group, slot, change, change.generation, spec);
    }
  }

  private planCanaries(change: Change): void {
    const canaries = this.allWorkers().filter((worker) => worker.change === change.id);
    if (canaries.some((worker) => worker.state.kind === 'starting')) return;
    this.commit(change);
  }

  private commit(change: Change): void {
    change.phase = 'roll';
    if (change.next) this.applyDefinition(change, change.next);
    for (const group of this.groups) {
      if (change.scope.has(group.spec.name)) group.rejected = null;
      for (const slot of group.slots) {
        if (slot.wanted && concerns(change, group.spec.name, slot.index)) {
          slot.target = change.generation;
          slot.backoff = null;
        }
      }
    }
    for (const worker of this.allWorkers()) {
      if (worker.change === change.id && worker.state.kind === 'standby') this.admit(worker, this.groupOf(worker));
    }
  }

  private applyDefinition(change: Change, next: readonly GroupSpec[]): void {
    this.out.push({ type: 'commit', change });
    const kept: Group[] = [];
    for (const spec of next) {
      const group =
        this.groups.find((candidate) => candidate.spec.name === spec.name) ??
        change.added.find((candidate) => candidate.spec.name === spec.name);
      if (!group) continue;
      group.spec = spec;
      // A slot that an earlier restart took away may still be there, with a worker that drains.
      const present = new Map(group.slots.map((slot) => [slot.index, slot]));
      const wanted = Array.from(
        { length: spec.workers },
        (_, i) => present.get(i + 1) ?? newSlot(i + 1, change.generation),
      );
      group.slots = [...wanted, ...group.slots.filter((slot) => slot.index > spec.workers)];
      for (const slot of group.slots) slot.wanted = slot.index <= spec.workers;
      kept.push(group);
    }
    for (const group of this.groups) {
      if (kept.includes(group)) continue;
      for (const slot of group.slots) slot.wanted = false;
      this.removed.push(group);
    }
    this.groups = kept;
    change.added = [];
    this.retireUnwanted();
  }

  /** Slots and groups that the definition no longer has: their workers drain, then they go. */
  private retireUnwanted(): void {
    for (const group of [...this.groups, ...this.removed]) {
      for (const slot of group.slots) {
        if (slot.wanted) continue;
        for (const worker of slot.workers) this.leave(worker, group, 'restart');
      }
      group.slots = group.slots.filter((slot) => slot.wanted || slot.workers.length > 0);
    }
    this.releaseRemoved();
  }

  /** Tells which groups are no more. One that came back under the same name keeps its addresses. */
  private releaseRemoved(): void {
    const namesOf = (groups: readonly Group[]): Set<string> => new Set(groups.map((group) => group.spec.name));
    // A definition that is not in force yet may still be rejected: what it would free stays until then.
    const coming = namesOf(this.change?.added ?? []);
    const isGone = (group: Group): boolean => group.slots.length === 0 && !coming.has(group.spec.name);
    const gone = namesOf(this.removed.filter(isGone));
    this.removed = this.removed.filter((group) => !isGone(group));
    const kept = namesOf([...this.groups, ...this.removed]);
    for (const name of gone) if (!kept.has(name)) this.out.push({ type: 'release', group: name });
  }

  /**
   * The change did not come up: whatever has not been replaced serves on.
   *
   * @param failed the groups whose new code is to blame: while others of the group serve, its empty slots wait for the next change
   */
  private reject(change: Change, error: ErrorInfo, failed: readonly Group[]): void {
    change.error = error;
    this.abandon(change);
    for (const group of this.groups) {
      const waits = failed.includes(group) && anyServing(group);
      if (failed.includes(group)) group.rejected = change.generation;
      for (const slot of group.slots) {
        if (!isMissing(slot) || slot.stopped) continue;
        // Its worker gave way to this change, or crashed when a successor was at hand: there is none any more.
        const isNewer = group.spec.reloadable && !isCommitted(change) && !failed.includes(group);
        slot.backoff ??= { exit: { code: null, signal: null, error }, nextTryAt: this.now, isNewer };
        if (waits) slot.backoff = { ...slot.backoff, nextTryAt: null, isNewer: false };
      }
    }
    this.end(change, 'rejected');
  }

  /** Ends the workers of a change that never served, and lets the other slots keep what they run. */
  private abandon(change: Change): void {
    for (const worker of this.allWorkers())
      if (worker.change === change.id && isComing(worker)) this.kill(worker, false);
    for (const slot of this.groups.flatMap((group) => group.slots))
      slot.target = (serving(slot) ?? successor(slot))?.generation ?? slot.target;
    this.removed.push(...change.added);
    for (const slot of change.added.flatMap((group) => group.slots)) slot.wanted = false;
    change.added = [];
  }

  private end(change: Change, result: ChangeResult['result']): void {
    this.change = null;
    const waiters = result === 'superseded' ? [] : change.waiters;
    this.out.push({ type: 'ended', result: { change, result, endedAt: this.now, waiters } });
  }

  // ---- planning

  private plan(): void {
    for (let before = -1; before !== this.out.length;) {
      before = this.out.length;
      this.retireUnwanted();
      if (this.change?.phase === 'canary') this.planCanaries(this.change);
      if (this.change?.phase === 'roll') this.planRoll(this.change);
      this.planRespawns();
      if (this.change && this.queued) this.supersede(this.change, this.queued);
      if (!this.change && this.queued) {
        const request = this.queued;
        this.queued = null;
        this.begin(request);
      }
    }
  }

  /** A newer request: what nobody has seen yet is ended at once, a step under way ends first, the rest goes to the newest generation. */
  private supersede(change: Change, newer: Request): void {
    if (isCommitted(change)) {
      if (change.kind !== 'start' && this.isMidStep(change)) return;
      const rest = this.groups.flatMap((group) => {
        const slots = group.slots.filter(
          (slot) => slot.wanted && concerns(change, group.spec.name, slot.index) && !isSettled(slot),
        );
        return slots.length > 0 ? [[group.spec.name, slots.map((slot) => slot.index)] as const] : [];
      });
      this.queued = mergeRequests({ ...change, kind: 'reload', scope: new Map(rest) }, newer);
    } else {
      this.queued = mergeRequests({ ...change, kind: change.kind === 'restart' ? 'restart' : 'reload' }, newer);
    }
    this.abandon(change);
    this.end(change, 'superseded');
  }

  /** A replacement starts, or a `stop-first` slot has let its worker go and has no new one yet. */
  private isMidStep(change: Change): boolean {
    return this.groups.some((group) =>
      group.slots.some((slot) => {
        if (slot.workers.some((worker) => worker.change === change.id && isComing(worker))) return true;
        const isLeaving =
          orderOf(group) === 'stop-first' && slot.workers.some((worker) => worker.state.kind === 'draining');
        return isLeaving && isMissing(slot) && concerns(change, group.spec.name, slot.index);
      }),
    );
  }

  private planRoll(change: Change): void {
    const groups = this.groups.filter((group) => change.scope.has(group.spec.name));
    const reloadable = groups.filter((group) => group.spec.reloadable || change.kind === 'start');
    for (const group of reloadable) this.rollGroup(change, group);
    const isDone = (group: Group): boolean =>
      group.slots.every(
        (slot) =>
          !slot.wanted || !concerns(change, group.spec.name, slot.index) || isSettled(slot) || isLeftAlone(slot),
      );
    if (!reloadable.every(isDone)) return;
    for (const group of groups) if (!reloadable.includes(group)) this.rollGroup(change, group);
    if (groups.every(isDone)) this.end(change, change.error ? 'rejected' : 'done');
  }

  /** At most one step: replace the next stale worker, or fill slots that nobody serves in. */
  private rollGroup(change: Change, group: Group): void {
    const isDue = (slot: Slot): boolean =>
      slot.wanted && concerns(change, group.spec.name, slot.index) && !isSettled(slot) && !isLeftAlone(slot);
    const slots = group.slots.filter(isDue);
    // Empty slots are filled together, but only once one worker serves: it has bound the addresses that the others share.
    const together = anyServing(group) && group.slots.every((slot) => !isStale(slot));
    if (!together && slots.some((slot) => successor(slot))) return;
    const stopFirst = orderOf(group) === 'stop-first';
    if (stopFirst && slots.some((slot) => isMissing(slot) && slot.workers.length > 0)) return;
    const missing = slots.filter((slot) => isMissing(slot));
    for (const slot of missing.length > 0 ? missing : slots) {
      if (successor(slot)) continue;
      const old = serving(slot);
      // With a newer request waiting no new step begins; a slot that gave up its worker for this one is still filled.
      if (this.queued && !(stopFirst && !old)) return;
      if (old && stopFirst) this.leave(old, group, 'reload');
      else this.spawn(group, slot, change, change.generation, group.spec);
      if (!together) return;
    }
  }

  /** Slots whose worker crashed come back with what is on disk. */
  private planRespawns(): void {
    for (const group of this.groups) {
      for (const slot of group.slots) {
        const { backoff } = slot;
        if (!backoff || !isMissing(slot) || this.isInChange(group, slot)) continue;
        if (backoff.nextTryAt === null || backoff.nextTryAt > this.now) continue;
        if (orderOf(group) === 'stop-first' && slot.workers.length > 0) continue;
        // The first worker of a group binds the addresses that the others share.
        if (group.listens === null && group.slots.some(successor)) continue;
        if (backoff.isNewer) {
          slot.backoff = { ...backoff, nextTryAt: null, isNewer: false };
          this.requestAfterCrash(group, slot);
        } else {
          slot.target = Math.max(slot.target, group.rejected ?? 0);
          this.spawn(group, slot, null, slot.target, group.spec);
        }
      }
    }
  }

  /** Another version is on disk than the one that crashed: it comes up as any reload does, behind a canary. */
  private requestAfterCrash(group: Group, slot: Slot): void {
    this.applyRequest({
      kind: 'reload',
      scope: new Map([[group.spec.name, null]]),
      trigger: { kind: 'crash', files: [] },
      digest: `crash of ${group.spec.name}#${slot.index} at ${this.now}`,
      waiters: [],
    });
  }

  /** A change fills the slots it concerns itself, unless they crashed since it was committed or it may take long to come to them. */
  private isInChange(group: Group, slot: Slot): boolean {
    const { change } = this;
    if (!change || !concerns(change, group.spec.name, slot.index)) return false;
    if (change.phase === 'evaluate') return slot.backoff?.isNewer === true;
    return !(isCommitted(change) && isLeftAlone(slot));
  }

  // ---- stop and deadlines

  private beginStop(): void {
    if (this.stopping) return;
    this.stopping = true;
    const waiting = this.queued?.waiters ?? [];
    this.queued = null;
    if (this.change) {
      const change = this.change;
      change.waiters = [...change.waiters, ...waiting];
      this.removed.push(...change.added);
      change.added = [];
      this.end(change, 'stopped');
    }
    for (const worker of this.allWorkers()) this.leave(worker, this.groupOf(worker), 'stop');
  }

  private planStop(): void {
    if (this.ended || this.allWorkers().length > 0) return;
    this.ended = true;
    this.out.push({ type: 'stopped' });
  }

  private expireDeadlines(): void {
    for (const worker of this.allWorkers()) {
      const { state } = worker;
      if (state.kind === 'draining' && state.killAt <= this.now) this.kill(worker, true);
      if (state.kind === 'starting' && state.readyBy <= this.now) {
        const group = this.groupOf(worker);
        const change = this.changeOf(worker);
        const seconds = (change ? this.specFor(change, group) : group.spec).bootTimeout / 1000;
        this.applyFailed(worker.id, {
          code: 'boot-timeout',
          message: `${worker.group}#${worker.slot} was not ready within ${seconds} s (bootTimeout)`,
          file: null,
          line: null,
          column: null,
          stack: null,
        });
      }
    }
  }

  // ---- steps of one worker

  private spawn(group: Group, slot: Slot, change: Change | null, generation: number, spec: GroupSpec): void {
    slot.backoff = null;
    const worker: Worker = {
      id: ++this.lastWorker,
      group: spec.name,
      slot: slot.index,
      generation,
      definition: spec.definition,
      change: change?.id ?? null,
      state: { kind: 'starting', readyBy: this.now + spec.bootTimeout },
    };
    slot.workers.push(worker);
    this.out.push({ type: 'spawn', worker });
  }

  private admit(worker: Worker, group: Group): void {
    const slot = this.slotOf(worker);
    const old = serving(slot);
    this.step(worker, { to: 'ready', now: this.now });
    slot.backoff = null;
    slot.stopped = null;
    this.out.push({ type: 'admit', worker });
    const change = this.changeOf(worker);
    if (change && change.kind !== 'start') change.replaced += 1;
    this.endOlder(slot, worker.generation);
    if (old) this.leave(old, group, change?.kind === 'restart' ? 'restart' : 'reload');
  }

  /** The respawn of a crashed worker may not be ready yet when newer code has come first. */
  private endOlder(slot: Slot, generation: number): void {
    for (const worker of slot.workers) if (isComing(worker) && worker.generation < generation) this.kill(worker, false);
  }

  /** Asks a serving worker to drain; ends one that never served. */
  private leave(worker: Worker, group: Group, reason: DrainReason): void {
    const timeoutMs = group.spec.drainTimeout;
    if (this.step(worker, { to: 'draining', killAt: this.now + timeoutMs, reason })) {
      this.out.push({ type: 'drain', worker, timeoutMs, change: this.change?.id ?? null });
    } else if (isComing(worker)) {
      this.kill(worker, false);
    }
  }

  private kill(worker: Worker, forced: boolean): void {
    const served = worker.state.kind === 'draining' || worker.state.kind === 'ready';
    if (this.step(worker, { to: 'killed' })) this.out.push({ type: 'kill', worker, forced: forced && served });
  }

  private step(worker: Worker, step: WorkerStep): boolean {
    const state = transition(worker.state, step);
    if (state) worker.state = state;
    return state !== undefined;
  }

  // ---- look-ups

  private changeOf(worker: Worker): Change | null {
    return worker.change !== null && this.change?.id === worker.change ? this.change : null;
  }

  private groupOf(worker: Worker): Group {
    const groups = [...this.groups, ...this.removed, ...(this.change?.added ?? [])];
    const group =
      groups.find((candidate) => candidate.slots.some((slot) => slot.workers.includes(worker))) ??
      groups.find((candidate) => candidate.spec.name === worker.group);
    if (!group) throw new Error(`no group of worker ${worker.id}`);
    return group;
  }

  private slotOf(worker: Worker): Slot {
    const slot = this.groupOf(worker).slots.find((candidate) => candidate.index === worker.slot);
    if (!slot) throw new Error(`no slot of worker ${worker.id}`);
    return slot;
  }

  private specFor(change: Change, group: Group): GroupSpec {
    return change.next?.find((spec) => spec.name === group.spec.name) ?? group.spec;
  }
}

/** Its worker crashed, or never came up: a committed change does not wait for it. */
function isLeftAlone(slot: Slot): boolean {
  return slot.backoff !== null && isMissing(slot);
}

function isSpecs(outcome: readonly GroupSpec[] | ErrorInfo): outcome is readonly GroupSpec[] {
  return Array.isArray(outcome);
}
