/** Waiting for something to happen: on events, with a time limit, and with the facts in the error when it does not. */

/** Far more than anything takes, on a machine that does a lot else. */
export const LIMIT_MS = 30_000;

type Check<T> = () => T | undefined | false;

/** Tells its waiters whenever something has changed. */
export class Changes {
  private readonly listeners = new Set<() => void>();

  tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  /**
   * Resolves with what `check` answers once it answers something; asks again after each change.
   *
   * @param what is waited for, for the error
   * @param facts what is known when the time is over
   */
  until<T>(check: Check<T>, what: string, facts: () => string, limitMs = LIMIT_MS): Promise<T> {
    return new Promise((done, fail) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
        act();
      };
      const look = (): void => {
        try {
          const found = check();
          if (found !== undefined && found !== false) settle(() => done(found));
        } catch (error) {
          settle(() => fail(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const timer = setTimeout(
        () => settle(() => fail(new Error(`waited ${limitMs} ms for ${what}\n${facts()}`))),
        limitMs,
      );
      this.listeners.add(look);
      look();
    });
  }
}

/** For what nobody tells of, such as the end of a process that is not our child: looks often. */
export async function poll<T>(check: Check<T>, what: string, facts: () => string = () => ''): Promise<T> {
  const changes = new Changes();
  const timer = setInterval(() => changes.tell(), 20);
  try {
    return await changes.until(check, what, facts);
  } finally {
    clearInterval(timer);
  }
}
