/** Everyone who works and everything that is asked for: state, look-ups in it, and the steps of one worker. */
import type { Change } from './change.ts';
import type { Command } from './events.ts';
import { isComing, isServing, serving, workersOf, type Group, type GroupSpec, type Slot } from './pool.ts';
import type { Request } from './requests.ts';
import { transition, type DrainReason, type Worker, type WorkerStep } from './workerState.ts';

/** After a hurried drain: for the program's own shutdown code. */
const SHUTDOWN_MS = 1000;

export class Roster {
  groups: Group[] = [];
  /** Groups that are no more, until their last worker has gone. */
  removed: Group[] = [];
  /** The newest generation number given out. */
  generation = 0;
  change: Change | null = null;
  lastChange = 0;
  queued: Request | null = null;
  stopping = false;
  /** The time of the event that is being answered. */
  now = 0;
  /** What is to be done about it, in order. */
  out: Command[] = [];
  private lastWorker = 0;

  // ---- look-ups

  worker(id: number): Worker | undefined {
    return this.allWorkers().find((worker) => worker.id === id);
  }

  allWorkers(): Worker[] {
    return workersOf([...this.groups, ...this.removed, ...(this.change?.added ?? [])]);
  }

  changeOf(worker: Worker): Change | null {
    return worker.change !== null && this.change?.id === worker.change ? this.change : null;
  }

  groupOf(worker: Worker): Group {
    const groups = [...this.groups, ...this.removed, ...(this.change?.added ?? [])];
    const group =
      groups.find((candidate) => candidate.slots.some((slot) => slot.workers.includes(worker))) ??
      groups.find((candidate) => candidate.spec.name === worker.group);
    if (!group) throw new Error(`no group of worker ${worker.id}`);
    return group;
  }

  slotOf(worker: Worker): Slot {
    const slot = this.groupOf(worker).slots.find((candidate) => candidate.index === worker.slot);
    if (!slot) throw new Error(`no slot of worker ${worker.id}`);
    return slot;
  }

  specFor(change: Change, group: Group): GroupSpec {
    return change.next?.find((spec) => spec.name === group.spec.name) ?? group.spec;
  }

  // ---- steps of one worker

  spawn(group: Group, slot: Slot, change: Change | null, generation: number, spec: GroupSpec): void {
    slot.backoff = null;
    const worker: Worker = {
      id: ++this.lastWorker,
      group: spec.name,
      slot: slot.index,
      generation,
      definition: spec.definition,
      change: change?.id ?? null,
      state: { kind: 'starting', readyBy: this.now + spec.bootTimeout },
      isDebugged: false,
    };
    slot.workers.push(worker);
    this.out.push({ type: 'spawn', worker });
  }

  admit(worker: Worker, group: Group): void {
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
  endOlder(slot: Slot, generation: number): void {
    for (const worker of slot.workers) if (isComing(worker) && worker.generation < generation) this.kill(worker, false);
  }

  /** Asks a serving worker to drain; ends one that never served. */
  leave(worker: Worker, group: Group, reason: DrainReason): void {
    const { drainTimeout } = group.spec;
    if (this.step(worker, { to: 'draining', killAt: this.now + drainTimeout, reason })) {
      const isKilled = worker.state.kind === 'draining' && worker.state.killed;
      const timeoutMs = worker.isDebugged ? null : drainTimeout;
      if (!isKilled) this.out.push({ type: 'drain', worker, timeoutMs, change: this.change?.id ?? null });
    } else if (isComing(worker)) {
      this.kill(worker, false);
    }
  }

  /** A drain that is under way is cut short, debugged or not; what the program does about SIGTERM has a moment left. */
  hurry(worker: Worker): void {
    if (!this.step(worker, { to: 'hurried', killAt: this.now + SHUTDOWN_MS })) return;
    worker.isDebugged = false;
    this.out.push({ type: 'hurry', worker });
  }

  /** While a debugger is connected no deadline runs; once it has gone they begin anew. */
  debugged(worker: Worker, isDebugged: boolean): void {
    if (worker.isDebugged === isDebugged) return;
    worker.isDebugged = isDebugged;
    const group = this.groupOf(worker);
    const change = this.changeOf(worker);
    const { bootTimeout, drainTimeout } = change ? this.specFor(change, group) : group.spec;
    const isDraining = worker.state.kind === 'draining';
    const until = this.now + (isDraining ? drainTimeout : bootTimeout);
    if (this.step(worker, { to: 'renewed', until }) && isDraining)
      this.out.push({ type: 'deadline', worker, timeoutMs: isDebugged ? null : drainTimeout });
  }

  kill(worker: Worker, forced: boolean): void {
    const served = worker.state.kind === 'draining' || isServing(worker);
    if (this.step(worker, { to: 'killed' })) this.out.push({ type: 'kill', worker, forced: forced && served });
  }

  step(worker: Worker, step: WorkerStep): boolean {
    const state = transition(worker.state, step);
    if (state) worker.state = state;
    return state !== undefined;
  }
}
