/** Workers that end unasked: whether and when their slots are tried again, and with which code. */
import type { ErrorInfo } from '../protocol/status.ts';
import { concerns, isCommitted } from './change.ts';
import { applyRequest, reject } from './changes.ts';
import {
  anyServing,
  isComing,
  isLeftAlone,
  isMissing,
  orderOf,
  serving,
  successor,
  type Exit,
  type Group,
  type Slot,
} from './pool.ts';
import { backoffDelay, STABLE_AFTER_MS } from './restartPolicy.ts';
import type { Roster } from './roster.ts';
import type { Worker } from './workerState.ts';

export function applyExited(roster: Roster, id: number, exit: Exit, diskDiffers: boolean): void {
  const worker = roster.worker(id);
  if (!worker) return;
  const group = roster.groupOf(worker);
  const slot = roster.slotOf(worker);
  slot.workers = slot.workers.filter((other) => other !== worker);
  switch (worker.state.kind) {
    case 'starting':
    case 'standby':
      bootFailed(roster, worker, group, slot, exit);
      return;
    case 'ready':
    case 'unresponsive':
      if (exit.code === 0 && group.listens === false) slot.stopped = { exit, generation: worker.generation };
      else crashed(roster, group, slot, exit, roster.now - worker.state.since, diskDiffers);
      return;
    case 'draining':
    case 'ending':
      return;
  }
}

export function applyFailed(roster: Roster, id: number, error: ErrorInfo): void {
  const worker = roster.worker(id);
  if (!worker || !isComing(worker)) return;
  roster.kill(worker, false);
  bootFailed(roster, worker, roster.groupOf(worker), roster.slotOf(worker), { code: null, signal: null, error });
}

/** Killed or not, it holds its slot until it has gone: its end is that of any worker that crashes. */
export function applyUnresponsive(roster: Roster, id: number, silentSince: number): void {
  const worker = roster.worker(id);
  if (!worker || !roster.step(worker, { to: 'unresponsive', silentSince })) return;
  const group = roster.groupOf(worker);
  if (group.spec.replaceUnresponsive) roster.kill(worker, true);
  // With nobody left who answers, slots that were rejected have nothing to wait for.
  if (!anyServing(group)) tryAgain(roster, group);
}

/** A worker that served is gone. Its successor loads what is on disk, which may be another version. */
function crashed(roster: Roster, group: Group, slot: Slot, exit: Exit, servedMs: number, diskDiffers: boolean): void {
  if (successor(slot)) return;
  slot.crashes = servedMs >= STABLE_AFTER_MS ? 1 : slot.crashes + 1;
  const waits = group.rejected !== null && anyServing(group);
  const isNewer = diskDiffers && group.rejected === null && group.spec.reloadable;
  slot.backoff = { exit, nextTryAt: waits ? null : roster.now + backoffDelay(slot.crashes), isNewer };
}

/** A worker ended, or was ended, before it was ready. */
function bootFailed(roster: Roster, worker: Worker, group: Group, slot: Slot, exit: Exit): void {
  const change = roster.changeOf(worker);
  if (!serving(slot)) {
    if (exit.code === 0 && group.listens !== true) {
      // A program that is done before it counts as ready, such as a script that ends in `process.exit()`.
      slot.stopped = { exit, generation: worker.generation };
      group.listens ??= false;
      roster.endOlder(slot, worker.generation);
      return;
    }
    slot.stopped = null;
    slot.crashes += 1;
    const isRejected = change !== null || group.rejected !== null;
    const waits = change?.kind === 'start' || (isRejected && anyServing(group));
    slot.backoff = {
      exit,
      nextTryAt: waits ? null : roster.now + Math.max(backoffDelay(slot.crashes), 250),
      isNewer: false,
    };
  }
  if (!change) return;
  if (change.kind === 'start') {
    change.error ??= exit.error;
    for (const other of group.slots) if (isMissing(other)) other.backoff ??= { exit, nextTryAt: null, isNewer: false };
  } else {
    reject(roster, change, exit.error, [group]);
  }
}

/** What is on disk serves after all: slots that were kept from loading it come back. */
export function forgetRejection(roster: Roster, group: Group, generation: number): void {
  group.rejected = null;
  for (const slot of tryAgain(roster, group)) slot.target = generation;
}

/** @returns the slots of the group that waited for the next change */
function tryAgain(roster: Roster, group: Group): Slot[] {
  const waiting = group.slots.filter((slot) => slot.backoff?.nextTryAt === null);
  for (const slot of waiting) slot.backoff = { ...slot.backoff!, nextTryAt: roster.now };
  return waiting;
}

/** Slots whose worker crashed come back with what is on disk. */
export function planRespawns(roster: Roster): void {
  for (const group of roster.groups) {
    for (const slot of group.slots) {
      const { backoff } = slot;
      if (!backoff || !isMissing(slot) || isInChange(roster, group, slot)) continue;
      if (backoff.nextTryAt === null || backoff.nextTryAt > roster.now) continue;
      if (orderOf(group) === 'stop-first' && slot.workers.length > 0) continue;
      // The first worker of a group binds the addresses that the others share.
      if (group.listens === null && group.slots.some(successor)) continue;
      if (backoff.isNewer) {
        slot.backoff = { ...backoff, nextTryAt: null, isNewer: false };
        requestAfterCrash(roster, group, slot);
      } else {
        slot.target = Math.max(slot.target, group.rejected ?? 0);
        roster.spawn(group, slot, null, slot.target, group.spec);
      }
    }
  }
}

/** Another version is on disk than the one that crashed: it comes up as any reload does, behind a canary. */
function requestAfterCrash(roster: Roster, group: Group, slot: Slot): void {
  applyRequest(roster, {
    kind: 'reload',
    scope: new Map([[group.spec.name, null]]),
    trigger: { kind: 'crash', files: [] },
    digest: `crash of ${group.spec.name}#${slot.index} at ${roster.now}`,
    waiters: [],
  });
}

/** A change fills the slots it concerns itself, unless they crashed since it was committed or it may take long to come to them. */
function isInChange(roster: Roster, group: Group, slot: Slot): boolean {
  const { change } = roster;
  if (!change || !concerns(change, group.spec.name, slot.index)) return false;
  if (change.phase === 'evaluate') return slot.backoff?.isNewer === true;
  return !(isCommitted(change) && isLeftAlone(slot));
}
