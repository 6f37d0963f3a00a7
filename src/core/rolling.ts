/** A committed change goes through its slots, at most one step of a group at a time, until it is done or a newer one takes over. */
import { concerns, isCommitted, type Change } from './change.ts';
import { abandon, end } from './changes.ts';
import {
  anyServing,
  isComing,
  isLeftAlone,
  isMissing,
  isSettled,
  isStale,
  orderOf,
  serving,
  successor,
  type Group,
  type Slot,
} from './pool.ts';
import { mergeRequests, type Request } from './requests.ts';
import type { Roster } from './roster.ts';

export function planRoll(roster: Roster, change: Change): void {
  const groups = roster.groups.filter((group) => change.scope.has(group.spec.name));
  const reloadable = groups.filter((group) => group.spec.reloadable || change.kind === 'start');
  for (const group of reloadable) rollGroup(roster, change, group);
  const isDone = (group: Group): boolean =>
    group.slots.every(
      (slot) => !slot.wanted || !concerns(change, group.spec.name, slot.index) || isSettled(slot) || isLeftAlone(slot),
    );
  if (!reloadable.every(isDone)) return;
  for (const group of groups) if (!reloadable.includes(group)) rollGroup(roster, change, group);
  if (groups.every(isDone)) end(roster, change, change.error ? 'rejected' : 'done');
}

/** At most one step: replace the next stale worker, or fill slots that nobody serves in. */
function rollGroup(roster: Roster, change: Change, group: Group): void {
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
    if (roster.queued && !(stopFirst && !old)) return;
    if (old && stopFirst) roster.leave(old, group, 'reload');
    else roster.spawn(group, slot, change, change.generation, group.spec);
    if (!together) return;
  }
}

/** A newer request: what nobody has seen yet is ended at once, a step under way ends first, the rest goes to the newest generation. */
export function supersede(roster: Roster, change: Change, newer: Request): void {
  if (isCommitted(change)) {
    if (change.kind !== 'start' && isMidStep(roster, change)) return;
    const rest = roster.groups.flatMap((group) => {
      const slots = group.slots.filter(
        (slot) => slot.wanted && concerns(change, group.spec.name, slot.index) && !isSettled(slot),
      );
      return slots.length > 0 ? [[group.spec.name, slots.map((slot) => slot.index)] as const] : [];
    });
    roster.queued = mergeRequests({ ...change, kind: 'reload', scope: new Map(rest) }, newer);
  } else {
    roster.queued = mergeRequests({ ...change, kind: change.kind === 'restart' ? 'restart' : 'reload' }, newer);
  }
  abandon(roster, change);
  end(roster, change, 'superseded');
}

/** A replacement starts, or a `stop-first` slot has let its worker go and has no new one yet. */
function isMidStep(roster: Roster, change: Change): boolean {
  return roster.groups.some((group) =>
    group.slots.some((slot) => {
      if (slot.workers.some((worker) => worker.change === change.id && isComing(worker))) return true;
      const isLeaving =
        orderOf(group) === 'stop-first' && slot.workers.some((worker) => worker.state.kind === 'draining');
      return isLeaving && isMissing(slot) && concerns(change, group.spec.name, slot.index);
    }),
  );
}
