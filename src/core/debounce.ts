/**
 * When a burst of changes acts: the first one at once, the later ones together after some quiet. A single save therefore
 * waits for nothing, and a Save All or a checkout makes two generations at most.
 */

export interface Burst {
  /** Until then later changes collect. */
  readonly quietAt: number;
  readonly collected: readonly string[];
}

/** Quiet after which collected changes act, in ms. */
export const QUIET_MS = 50;

export interface BurstStep {
  readonly burst: Burst | null;
  /** The files that act now. */
  readonly act: readonly string[];
}

export function onChange(burst: Burst | null, file: string, now: number): BurstStep {
  const quietAt = now + QUIET_MS;
  if (!burst) return { burst: { quietAt, collected: [] }, act: [file] };
  const collected = burst.collected.includes(file) ? burst.collected : [...burst.collected, file];
  return { burst: { quietAt, collected }, act: [] };
}

/** Called when time has passed: what was collected acts, and opens a new burst itself, once it was quiet long enough. */
export function onTime(burst: Burst | null, now: number): BurstStep {
  if (!burst || burst.quietAt > now) return { burst, act: [] };
  if (burst.collected.length === 0) return { burst: null, act: [] };
  return { burst: { quietAt: now + QUIET_MS, collected: [] }, act: burst.collected };
}
