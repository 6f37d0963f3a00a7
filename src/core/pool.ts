/** What is known of groups, slots and workers, and read-only questions about them. */
import type { ErrorInfo, Order } from '../protocol/status.ts';
import type { Worker } from './workerState.ts';

/** What deciding needs to know of a group; all else stands in the master's definition of that number. */
export interface GroupSpec {
  readonly name: string;
  readonly definition: number;
  readonly workers: number;
  readonly reloadable: boolean;
  readonly order: Order;
  readonly drainTimeout: number;
  readonly bootTimeout: number;
  /** Processes that wait booted for the next worker. */
  readonly spares: number;
  /** Whether a worker that turns its event loop no more is killed, so that its slot gets another one. */
  readonly replaceUnresponsive: boolean;
}

/** How a worker ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly error: ErrorInfo;
}

export interface Backoff {
  readonly exit: Exit;
  /** When the slot is tried again; null = with the next change. */
  readonly nextTryAt: number | null;
  /** Another version than the one that crashed is on disk: it takes a reload to bring it up. */
  readonly isNewer: boolean;
}

export interface Slot {
  readonly index: number;
  /** The generation that this slot should run. A worker below it is stale. */
  target: number;
  workers: Worker[];
  /** Crashes in a row; a worker that served for a while starts anew. */
  crashes: number;
  backoff: Backoff | null;
  /** The program of this generation ended by itself with code 0: nothing to do until the next change. */
  stopped: { readonly exit: Exit; readonly generation: number } | null;
  /** False once a restart has taken this slot away: it goes when its workers have gone. */
  wanted: boolean;
}

export interface Group {
  spec: GroupSpec;
  slots: Slot[];
  /** Whether its workers listen; null until one was ready. Decides what `order: auto` means. */
  listens: boolean | null;
  /** The generation that was rejected last, while what is on disk has not served since. */
  rejected: number | null;
}

export function newSlot(index: number, target: number): Slot {
  return { index, target, workers: [], crashes: 0, backoff: null, stopped: null, wanted: true };
}

export function newGroup(spec: GroupSpec, target: number): Group {
  const slots = Array.from({ length: spec.workers }, (_, i) => newSlot(i + 1, target));
  return { spec, slots, listens: null, rejected: null };
}

/** Was admitted and not asked to go. One that is unresponsive holds its slot too: its event loop may turn again. */
export function isServing({ state }: Worker): boolean {
  return state.kind === 'ready' || state.kind === 'unresponsive';
}

/** The worker that holds a slot. */
export function serving(slot: Slot): Worker | undefined {
  return slot.workers.find(isServing);
}

/** It has not served yet, and may. */
export function isComing(worker: Worker): boolean {
  return worker.state.kind === 'starting' || worker.state.kind === 'standby';
}

/** The worker of a slot that is about to serve. */
export function successor(slot: Slot): Worker | undefined {
  return slot.workers.find(isComing);
}

export function isStale(slot: Slot): boolean {
  const worker = serving(slot);
  return worker !== undefined && worker.generation < slot.target;
}

/** Nobody serves in the slot and nobody is about to. */
export function isMissing(slot: Slot): boolean {
  return slot.wanted && !serving(slot) && !successor(slot);
}

/** Runs what it should run, or has run it to its end. */
export function isSettled(slot: Slot): boolean {
  const generation = serving(slot)?.generation ?? slot.stopped?.generation;
  return generation !== undefined && generation >= slot.target;
}

/** Its worker crashed, or never came up: a committed change does not wait for it. */
export function isLeftAlone(slot: Slot): boolean {
  return slot.backoff !== null && isMissing(slot);
}

/** `auto` settled by what the group does: two copies of a program that does not listen would do its work twice. */
export function orderOf(group: Group, spec = group.spec): 'start-first' | 'stop-first' {
  if (spec.order !== 'auto') return spec.order;
  return group.listens === false ? 'stop-first' : 'start-first';
}

/** Whether somebody of the group answers requests. */
export function anyServing(group: Group): boolean {
  return group.slots.some((slot) => serving(slot)?.state.kind === 'ready');
}

/** The newest generation that serves; 0 when none does. */
export function servedGeneration(groups: readonly Group[]): number {
  return Math.max(0, ...groups.flatMap((group) => group.slots.map((slot) => serving(slot)?.generation ?? 0)));
}

export function workersOf(groups: readonly Group[]): Worker[] {
  return groups.flatMap((group) => group.slots.flatMap((slot) => slot.workers));
}
