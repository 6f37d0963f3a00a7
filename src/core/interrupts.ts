/**
 * Which Ctrl+C means "do not wait". One press may arrive twice: the terminal sends it to each of its processes, and
 * `npm run` passes on to its child what that one has got already.
 */

/** Longer than `npm` takes on a busy machine, shorter than it takes to see that a first press does not end the server. */
const ONE_PRESS_MS = 500;

export class Interrupts {
  private firstAt: number | undefined;

  /** @param now ms on any steady clock */
  press(now: number): 'first' | 'echo' | 'second' {
    if (this.firstAt === undefined) {
      this.firstAt = now;
      return 'first';
    }
    return now - this.firstAt < ONE_PRESS_MS ? 'echo' : 'second';
  }
}
