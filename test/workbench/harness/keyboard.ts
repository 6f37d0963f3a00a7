import type { Page } from 'playwright-core';
import { type PageElement, plain, waitFor, waitForValue } from './waitFor.ts';

/** What has the focus, as a person without a mouse or without a screen knows it. */
export class Keyboard {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.#page.keyboard.press(key);
  }

  /** What a screen reader says: the name of what has the focus; of a tree, of the row. */
  async focused(): Promise<string> {
    return await this.#page.evaluate(() => {
      const { activeElement } = (globalThis as unknown as { document: { activeElement: PageElement | null } }).document;
      const row = activeElement?.querySelector('.monaco-list-row.focused');
      const named = row ?? activeElement;
      return (named?.getAttribute('aria-label') ?? named?.textContent ?? '').trim();
    });
  }

  waitForFocus(name: RegExp): Promise<string> {
    return waitForValue(
      async () => plain(await this.focused()),
      (focused) => name.test(focused),
      { what: `the focus on ${String(name)}` },
    );
  }

  /** Presses a key until the focus is there; every stop on the way must have a name. */
  async walk(key: string, name: RegExp, atMost: number): Promise<string[]> {
    const stops: string[] = [];
    await waitFor(
      async () => {
        if (stops.length >= atMost) throw new Error(`not among ${stops.join('; ')}`);
        await this.press(key);
        stops.push(plain(await this.focused()));
        return name.test(stops.at(-1)!);
      },
      { what: `the focus on ${String(name)}` },
    );
    return stops;
  }
}
