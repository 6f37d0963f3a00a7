/** Judgements on a snapshot that rows, status bar and badge share. */
import type { GroupStatus, Snapshot } from '../../protocol/status.ts';

/** Slots with a worker that serves; an old worker whose successor is still starting counts. */
export function readySlots(group: GroupStatus): number {
  return new Set(group.workers.filter((worker) => worker.state === 'ready').map((worker) => worker.slot)).size;
}

/** Slots where nothing serves and something should: a program that ended by itself with 0 is not missed. */
export function missingSlots(group: GroupStatus): number {
  const slots = new Map<number, boolean>();
  for (const worker of group.workers) {
    const isFine = worker.state === 'ready' || worker.state === 'stopped';
    slots.set(worker.slot, isFine || (slots.get(worker.slot) ?? false));
  }
  return [...slots.values()].filter((isFine) => !isFine).length;
}

export function countReady(snapshot: Snapshot): { ready: number; wanted: number; missing: number } {
  const sum = (of: (group: GroupStatus) => number): number =>
    snapshot.groups.reduce((total, group) => total + of(group), 0);
  return { ready: sum(readySlots), wanted: sum((group) => group.wanted), missing: sum(missingSlots) };
}

export function isBusy({ state }: Snapshot): boolean {
  return state === 'starting' || state === 'reloading' || state === 'stopping';
}

export function isRejected(snapshot: Snapshot): boolean {
  return snapshot.lastReload?.result === 'rejected';
}

/** Whether a person should look: the server runs, yet not as it should. */
export function needsAttention(snapshot: Snapshot): boolean {
  return (
    snapshot.needsRestart.length > 0 ||
    isRejected(snapshot) ||
    snapshot.error !== null ||
    (snapshot.state === 'running' && countReady(snapshot).missing > 0)
  );
}
