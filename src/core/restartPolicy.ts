/** Crash loops: how long a slot waits before it is tried again. Capped, so that a server comes back by itself; visible as `backoff`. */

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** A worker that served this long before it crashed does not count as looping. */
export const STABLE_AFTER_MS = 10_000;

/** The delay after `crashes` crashes in a row: none after the first, then doubling from 250 ms to 30 s. */
export function backoffDelay(crashes: number): number {
  if (crashes <= 1) return 0;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(crashes - 2, 20));
}
