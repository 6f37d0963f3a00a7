/**
 * Which Ctrl+C means "do not wait". One press may arrive twice: the terminal sends it to each of its processes, and
 * `npm run` passes on to its child what that one has got already.
 */

/** Shorter than it takes to see that a first press does not end the server. */
const ONE_PRESS_MS = 500;
/** Longer than `npm` takes to pass it on, on a busy machine. */
const ONE_PRESS_UNDER_NPM_MS = 2000;

export class Interrupts {
  private firstAt: number | undefined;
  private readonly onePressMs: number;

  constructor(isUnderNpm: boolean) {
    this.onePressMs = isUnderNpm ? ONE_PRESS_UNDER_NPM_MS : ONE_PRESS_MS;
  }

  /** @param now ms on any steady clock */
  press(now: number): 'first' | 'echo' | 'second' {
    if (this.firstAt === undefined) {
      this.firstAt = now;
      return 'first';
    }
    return now - this.firstAt < this.onePressMs ? 'echo' : 'second';
  }
}
