/**
 * Git and package managers write many files at a time, and in between the project is neither the old one nor the new
 * one: while one of them is at work, and for a short quiet after it, changes from outside wait. So does what a builder
 * writes until it tells that it is through.
 */

/** How long nothing may have been written before a tool counts as done, in ms. */
export const CALM_MS = 300;
/** Longer than this nobody is held up: a lock may have been left behind, an install may never end. */
const LIMIT_MS = { git: 10_000, packages: 60_000, build: 60_000 };

interface Work {
  /** Git: of the lock that is there, or was there last. Package managers: since they have been writing without a pause. */
  readonly since: number;
  readonly lastAt: number;
  readonly isLocked: boolean;
}

export class ToolWork {
  private git: Work | null = null;
  private packages: Work | null = null;
  /** Since when a builder of ours is building. */
  private buildingSince: number | null = null;

  /** Git's lock is there, or is not (any more). */
  lockSeen(isThere: boolean, now: number): void {
    if (isThere) this.git = this.git?.isLocked ? this.git : { since: now, lastAt: now, isLocked: true };
    else if (this.git?.isLocked) this.git = { ...this.git, lastAt: now, isLocked: false };
  }

  /** The lock came and went before anybody could look. */
  lockPassed(now: number): void {
    this.git = { since: now, lastAt: now, isLocked: false };
  }

  /** A package manager wrote what only package managers write. */
  packagesWritten(now: number): void {
    const goesOn = this.packages !== null && now - this.packages.lastAt <= CALM_MS;
    this.packages = { since: goesOn ? this.packages!.since : now, lastAt: now, isLocked: false };
  }

  /** @returns whether that is news */
  buildSeen(isBuilding: boolean, now: number): boolean {
    if (isBuilding === (this.buildingSince !== null)) return false;
    this.buildingSince = isBuilding ? now : null;
    return true;
  }

  /** Until when what a builder writes waits for the rest of it. */
  builtAt(now: number): number {
    return this.buildingSince === null ? now : Math.max(now, this.buildingSince + LIMIT_MS.build);
  }

  /** Until when changes from outside wait, if nothing more is heard; `now` or earlier when nothing is at work. */
  heldUntil(now: number): number {
    return Math.max(now, endOf(this.git, LIMIT_MS.git), endOf(this.packages, LIMIT_MS.packages));
  }
}

function endOf(work: Work | null, limitMs: number): number {
  if (!work) return -Infinity;
  const limit = work.since + limitMs;
  return work.isLocked ? limit : Math.min(work.lastAt + CALM_MS, limit);
}
