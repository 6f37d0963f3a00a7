/**
 * When changed files act. The first change acts at once; those that follow closely collect and act together after some
 * quiet, so a single save waits for nothing, and a Save All or a checkout makes two generations at most. What says of itself
 * that it is generated collects from the first file on. While git or a package manager is at work changes from outside wait for its end; an editor's saves never do.
 */
import { CALM_MS, type ToolWork } from './toolWork.ts';

/** Quiet after which an editor's collected saves act, in ms. */
export const QUIET_MS = 50;
/** Programs that write many files take their time between two of them. */
export const OUTSIDE_QUIET_MS = 100;
/** What follows a change from outside within this time collects. */
export const OUTSIDE_SERIES_MS = 200;
/** From this number of files on it is a storm, and the quiet after it is that after a tool. */
export const STORM_FILES = 10;
/** A file that is gone counts as changed after this time: build cleaners and some editors delete before they write. */
export const DELETED_AFTER_MS = 1000;
/** Where quiet never comes, what was collected acts after this time all the same. */
export const LONGEST_MS = 10_000;

interface Waiting {
  readonly isEditors: boolean;
  /** Until its builder is through: then all of it is there, and no quiet is needed. */
  readonly awaitsBuild: boolean;
  readonly notBefore: number;
}

/** Changes that follow each other closely. */
interface Burst {
  readonly since: number;
  readonly lastAt: number;
  /** Whether the last one was an editor's save. */
  readonly isEditors: boolean;
  readonly lastSaveAt: number;
}

export interface FileChange {
  readonly file: string;
  /** An editor saved it. */
  readonly isEditors: boolean;
  /** A builder that runs beside the server writes it. */
  readonly isOutput?: boolean;
  /** A tool writes it, and most likely others with it. */
  readonly isGenerated?: boolean;
  /** Not before this time, whatever happens. */
  readonly notBefore?: number;
}

export class Moments {
  private readonly tools: ToolWork;
  private readonly waiting = new Map<string, Waiting>();
  /** Files that are about to change (again), with the time until which that is believed. */
  private readonly expected = new Map<string, number>();
  private burst: Burst | null = null;
  private writtenAt = -Infinity;

  constructor(tools: ToolWork) {
    this.tools = tools;
  }

  /** @returns the files that act now */
  changed(
    { file, isEditors, isOutput = false, isGenerated = false, notBefore = 0 }: FileChange,
    now: number,
  ): readonly string[] {
    this.expected.delete(file);
    const isAlone = isEditors || !isGenerated;
    const isFirst = isAlone && !this.isOpen(isEditors, now) && !this.hasCollected(isEditors, now);
    // What is written in one go with files that are still being written waits for them.
    const isWhole = isEditors || this.expectedUntil(now) <= now;
    const isSaved = isEditors || (this.waiting.get(file)?.isEditors ?? false);
    const awaitsBuild = isOutput && this.tools.builtAt(now) > now;
    const waiting: Waiting = { isEditors: isSaved, awaitsBuild, notBefore };
    this.waiting.set(file, waiting);
    this.stir(isEditors, now);
    if (!isFirst || !isWhole || this.releaseAt(waiting, now) > now) return [];
    this.waiting.delete(file);
    return [file];
  }

  /** An editor has announced a save, or a file is empty or gone as when it is being written: what was collected waits for it. */
  expect(file: string, until: number): void {
    this.expected.set(file, until);
  }

  /** Something outside of every editor wrote a file, whether or not that changes what runs. */
  written(now: number): void {
    this.writtenAt = now;
  }

  /** Whether a file that is gone since then may be one that is deleted to be written anew: whoever does that is still writing others. */
  isComingBack(since: number, now: number): boolean {
    return now < Math.min(this.writtenAt + DELETED_AFTER_MS, since + LONGEST_MS);
  }

  /** Something happened to a file, and it is being found out what. */
  stirred(now: number): void {
    if (this.waiting.size > 0) this.stir(this.burst?.isEditors ?? false, now);
  }

  /** The file will not act: what runs is what is on disk. */
  forget(file: string): void {
    this.expected.delete(file);
    this.waiting.delete(file);
  }

  isWaiting(file: string): boolean {
    return this.waiting.has(file);
  }

  /** @returns the files that act now that time has passed, or a tool is done */
  due(now: number): readonly string[] {
    const act = [...this.waiting].filter(([, waiting]) => this.actsAt(waiting, now) <= now).map(([file]) => file);
    for (const file of act) this.waiting.delete(file);
    // What follows closely belongs to it.
    if (act.length > 0)
      this.burst = { isEditors: false, lastSaveAt: -Infinity, ...this.burst, since: now, lastAt: now };
    return act;
  }

  /** When `due` is to be asked again; null when nothing waits. */
  nextAt(now: number): number | null {
    if (this.waiting.size === 0) return null;
    return Math.min(...[...this.waiting.values()].map((waiting) => this.actsAt(waiting, now)));
  }

  private actsAt(waiting: Waiting, now: number): number {
    const release = this.releaseAt(waiting, now);
    return waiting.awaitsBuild ? release : Math.max(release, this.quietAt(now));
  }

  private stir(isEditors: boolean, now: number): void {
    const { since = now, lastSaveAt = -Infinity } = this.isOpen(isEditors, now) ? (this.burst ?? {}) : {};
    this.burst = { since, lastAt: now, isEditors, lastSaveAt: isEditors ? now : lastSaveAt };
  }

  /** Whether what changes now belongs to what changed before. An editor's save waits for nobody but other saves. */
  private isOpen(isEditors: boolean, now: number): boolean {
    if (!this.burst) return false;
    return now < (isEditors ? this.burst.lastSaveAt + QUIET_MS : this.burst.lastAt + OUTSIDE_SERIES_MS);
  }

  /** Whether anything waits for quiet, and not for a tool. */
  private hasCollected(isEditors: boolean, now: number): boolean {
    return [...this.waiting.values()].some(
      (waiting) => this.releaseAt(waiting, now) <= now && (waiting.isEditors || !isEditors),
    );
  }

  private quietAt(now: number): number {
    if (!this.burst) return -Infinity;
    const { since, lastAt, isEditors } = this.burst;
    const quiet = this.waiting.size >= STORM_FILES ? CALM_MS : isEditors ? QUIET_MS : OUTSIDE_QUIET_MS;
    return Math.min(Math.max(lastAt + quiet, this.expectedUntil(now)), since + LONGEST_MS);
  }

  private expectedUntil(now: number): number {
    for (const [file, until] of this.expected) if (until <= now) this.expected.delete(file);
    return Math.max(-Infinity, ...this.expected.values());
  }

  private releaseAt({ isEditors, awaitsBuild, notBefore }: Waiting, now: number): number {
    const builtAt = awaitsBuild ? this.tools.builtAt(now) : now;
    return Math.max(notBefore, builtAt, isEditors ? now : this.tools.heldUntil(now));
  }
}
