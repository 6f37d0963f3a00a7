/**
 * Stops loops in which a program writes a file that it loads: each reload makes it write once more, and each write makes
 * a reload. Who wrote a file the system does not tell, but such a file changes once for each reload, while the new worker
 * comes up, and not while a reload is put off. Whoever waits for the end of the reload before they write is none of its workers:
 * their saves act at once. So the next reloads are put off first; the file is left alone only when each of them was
 * answered by a change before its end, and the waiting by none. What a person or a script writes is never lost.
 * Of a file that a worker has told of as written by itself a change soon after the reload is taken for an answer too.
 */

/** That many changes during the reload that the file caused are taken for a coincidence. */
const FREE = 5;
const DELAYS_MS = [1000, 2000];
/** By then putting off has not helped. */
const STOP = 8;
/**
 * File systems stamp a file with the time of the system's last tick (Linux: `current_time()`, 1 to 10 ms apart), so one that is
 * written right after the end of a reload can be stamped before it.
 */
const TICK_MS = 10;
/** A worker that writes when it serves already does so by a timer, or once what it had begun is done. */
const OWN_WITHIN_MS = 3000;

interface Streak {
  /** Of the content that was last acted on, or is waited with. */
  readonly digest: string | null;
  /** Changes in a row that came during the reload which the file had caused. */
  readonly times: number;
  /** When that reload ended, in ms of the system's clock; null while it runs, undefined while none has begun for the last change. */
  readonly endedAt: number | null | undefined;
  /** For the last change none begins before. */
  readonly putOffUntil: number;
}

export type Verdict =
  { readonly act: 'now' } | { readonly act: 'later'; readonly at: number } | { readonly act: 'never' };

export class FlapGuard {
  private readonly streaks = new Map<string, Streak>();
  private readonly left = new Set<string>();

  /** Files that are left alone, in the order in which they came. */
  get leftAlone(): readonly string[] {
    return [...this.left];
  }

  isLeftAlone(file: string): boolean {
    return this.left.has(file);
  }

  /**
   * The file has a new content since `writtenAt` (ms of the system's clock), and no editor put it there.
   *
   * @param isOwn a worker says that it has written the file
   */
  changed(file: string, digest: string | null, now: number, writtenAt: number, isOwn: boolean): Verdict {
    if (this.left.has(file)) return { act: 'never' };
    const streak = this.streaks.get(file);
    if (!streak) return { act: 'now' };
    const { times, endedAt, putOffUntil } = streak;
    const asBefore: Verdict = putOffUntil > now ? { act: 'later', at: putOffUntil } : { act: 'now' };
    if (streak.digest === digest) return asBefore;
    if (endedAt === undefined) {
      // It changes without a reload: somebody else writes it.
      this.streaks.set(file, { ...streak, digest, times: 0 });
      return asBefore;
    }
    const isAnswer = isOwn && endedAt !== null && writtenAt < endedAt + OWN_WITHIN_MS;
    if (endedAt !== null && writtenAt >= endedAt && !isAnswer) {
      this.streaks.delete(file);
      return { act: 'now' };
    }
    if (endedAt !== null && writtenAt >= endedAt - TICK_MS && !isAnswer) return { act: 'now' };
    const next = times + 1;
    if (next >= STOP) {
      this.streaks.delete(file);
      this.left.add(file);
      return { act: 'never' };
    }
    const delay = next < FREE ? 0 : (DELAYS_MS[next - FREE] ?? DELAYS_MS.at(-1)!);
    this.streaks.set(file, { times: next, digest, endedAt: undefined, putOffUntil: now + delay });
    return delay > 0 ? { act: 'later', at: now + delay } : { act: 'now' };
  }

  /** A reload begins for the file with this content. */
  acted(file: string, digest: string | null): void {
    const times = this.streaks.get(file)?.times ?? 0;
    this.streaks.set(file, { digest, times, endedAt: null, putOffUntil: 0 });
  }

  /** No reload runs any more; `now` in ms of the system's clock. */
  ended(now: number): void {
    for (const [file, streak] of this.streaks)
      if (streak.endedAt === null) this.streaks.set(file, { ...streak, endedAt: now });
  }

  /** A person has saved the file: it counts again. */
  forgive(file: string): void {
    this.streaks.delete(file);
    this.left.delete(file);
  }

  /** A person has asked for a reload: every file counts again. */
  forgiveAll(): void {
    this.streaks.clear();
    this.left.clear();
  }
}
