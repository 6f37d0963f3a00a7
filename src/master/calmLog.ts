import type { Logger } from './logger.ts';

/** How long nothing more is said of the same thing. */
const QUIET_MS = 10_000;

/**
 * For what others can make happen as often as they like: the first time is logged at once, what follows within a while
 * only counted, and told in one line at its end.
 */
export class CalmLog {
  private readonly log: Logger;
  private readonly counted = new Map<string, { count: number; timer: NodeJS.Timeout }>();

  constructor(log: Logger) {
    this.log = log;
  }

  /** @param text one of a few, since each is counted by itself */
  error(text: string): void {
    const earlier = this.counted.get(text);
    if (earlier) {
      earlier.count += 1;
      return;
    }
    this.log.error(text);
    const timer = setTimeout(() => {
      const { count } = this.counted.get(text)!;
      this.counted.delete(text);
      if (count > 0) this.log.error(`${text} (${count} more times)`);
    }, QUIET_MS).unref();
    this.counted.set(text, { count: 0, timer });
  }

  dispose(): void {
    for (const { timer } of this.counted.values()) clearTimeout(timer);
  }
}
