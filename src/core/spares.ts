/**
 * How many processes of a group should stand booted before the entry, waiting for the next worker. Pure; the master keeps
 * the processes themselves.
 */
import type { Change } from './change.ts';
import { concerns, isCommitted } from './change.ts';
import { isSettled, successor, type Group } from './pool.ts';

/** A spare that nobody has needed for so long is let go; the next change, or a hint that one is coming, brings it back. */
export const IDLE_MS = 15 * 60_000;

export interface SpareNeed {
  /** When a change or a hint last asked for one. */
  readonly neededAt: number;
  /** The last one ended by itself: no other is tried before the next change. */
  readonly isBroken: boolean;
}

/** `hold`: what is there stays, and nothing new begins, since something more urgent is under way. */
export type SpareWish = number | 'hold';

/**
 * While a change is before its commit everything there is belongs to it. While it rolls the process of its next worker may
 * boot, so that a reload of N workers costs N boots and loads and no more; the spare for the next change comes last.
 */
export function wishOf(group: Group, change: Change | null, need: SpareNeed, now: number): SpareWish {
  const { spares, reloadable, name } = group.spec;
  if (spares === 0 || !reloadable || need.isBroken) return 0;
  if (change && !isCommitted(change)) return 'hold';
  if (change?.kind === 'start') return 'hold';
  if (change?.scope.has(name)) {
    const next = group.slots.filter(
      (slot) => slot.wanted && concerns(change, name, slot.index) && !isSettled(slot) && !slot.backoff,
    );
    return next.length > 1 && next.some((slot) => successor(slot)) ? 1 : 'hold';
  }
  if (group.slots.some(successor)) return 'hold';
  return now - need.neededAt < IDLE_MS ? spares : 0;
}

/** When an unused spare is let go, unless it is needed before. */
export function idleAt({ neededAt }: SpareNeed): number {
  return neededAt + IDLE_MS;
}
