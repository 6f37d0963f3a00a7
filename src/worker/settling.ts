/**
 * Waits until what a program has begun by the time it listens has had its first outcome: a rejection that nobody handles, a
 * failing query of a file, a database that refuses the connection. What ends the program now ends it before it is ready, while
 * its predecessor still serves.
 */

/** Kept from a program that replaces the timers. */
const { setImmediate, setTimeout } = globalThis;

/** Longer than the shortest timer of a program that has just started one. */
const STEP_MS = 2;
/** What is then still under way may take any time. */
const LIMIT_MS = 100;
/** How Node names what is asked of the system once and answered: files, names, connections. Servers, sockets and timers last. */
const IS_UNDER_WAY = /Req|Connect/;

export class Settling {
  private readonly onSettled: () => void;
  private count = 0;

  constructor(onSettled: () => void) {
    this.onSettled = onSettled;
  }

  /** The program listens on one address more: it begins anew. */
  begin(): void {
    const count = ++this.count;
    const until = performance.now() + LIMIT_MS;
    const look = (): void => {
      if (count !== this.count) return;
      const isOver =
        performance.now() >= until || !process.getActiveResourcesInfo().some((it) => IS_UNDER_WAY.test(it));
      if (isOver) this.onSettled();
      else step();
    };
    // A turn of the loop after the timer: the answers that have come by then are given to the program first.
    const step = (): void => void setTimeout(() => setImmediate(look), STEP_MS).unref();
    step();
  }
}
