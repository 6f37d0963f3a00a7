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

/** Since when the code that serves has been what serves. */
export function codeSince({ generation, reloads, startedAt, groups }: Snapshot): string {
  const made = reloads.find((reload) => reload.result === 'done' && reload.generation === generation);
  if (made || generation === 1) return made?.startedAt ?? startedAt;
  // So many attempts ago that the list no longer has it: the oldest worker of this generation began soon after.
  const starts = groups.flatMap(({ workers }) =>
    workers.flatMap((worker) => (worker.generation === generation ? (worker.startedAt ?? []) : [])),
  );
  return starts.sort()[0] ?? startedAt;
}

/** Whether what is on disk was refused, and older code serves on. */
export function runsOldCode(snapshot: Snapshot): boolean {
  return isRejected(snapshot) && countReady(snapshot).ready > 0;
}

/** Changes that wait for a person; what merely has not been reloaded yet comes by itself. */
export function heldChanges({ pendingReload, paused, reloadOn, state }: Snapshot): Snapshot['pendingReload'] {
  return paused || (reloadOn !== 'change' && state === 'running') ? pendingReload : [];
}

/** What a save by hand waits for before it acts. */
export function waitsFor({ paused, reloadOn }: Snapshot): 'resume' | 'request' | undefined {
  if (paused) return 'resume';
  return reloadOn === 'never' ? 'request' : undefined;
}

/** Whether a person should look: the server runs, yet not as it should. */
export function needsAttention(snapshot: Snapshot): boolean {
  return (
    snapshot.needsRestart.length > 0 ||
    isRejected(snapshot) ||
    snapshot.error !== null ||
    snapshot.flapping.length > 0 ||
    snapshot.builds.some(({ state }) => state === 'failed') ||
    (snapshot.state === 'running' && countReady(snapshot).missing > 0)
  );
}
