import type { Locator, Page } from 'playwright-core';
import { hoverText } from './sidebar.ts';
import { type PageElement, plain, waitForValue } from './waitFor.ts';

export interface StatusItem {
  /** `publisher.extension.id` for items of extensions. */
  id: string;
  /** Without icons. */
  text: string;
  icons: string[];
  spins: boolean;
  background: 'none' | 'warning' | 'error' | 'prominent';
  ariaLabel: string;
}

export class StatusBar {
  readonly #page: Page;
  readonly #items: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#items = page.locator('.part.statusbar .statusbar-item');
  }

  async items(): Promise<StatusItem[]> {
    const read = await this.#items.evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => ({
        id: node.getAttribute('id') ?? '',
        classes: node.className,
        text: node.querySelector('.statusbar-item-label')?.textContent ?? '',
        icons: Array.from(node.querySelectorAll('.codicon'), (icon) => icon.className),
        ariaLabel: node.getAttribute('aria-label') ?? '',
      })),
    );
    return read.map(({ id, classes, text, icons, ariaLabel }) => ({
      id,
      text: plain(text).trim(),
      icons: icons.flatMap((name) => /codicon-(?!modifier)(\S+)/.exec(name)?.[1] ?? []),
      spins: icons.some((name) => name.includes('codicon-modifier-spin')),
      background:
        (['warning', 'error', 'prominent'] as const).find((kind) => classes.includes(`${kind}-kind`)) ?? 'none',
      ariaLabel,
    }));
  }

  /** By the end of the id, or by a pattern over the text. */
  async find(name: string | RegExp): Promise<StatusItem | undefined> {
    return (await this.items()).find((item) =>
      typeof name === 'string' ? item.id.endsWith(name) : name.test(item.text),
    );
  }

  /** Our own item; waits until it is as wanted. */
  async waitFor(isWanted: (item: StatusItem) => boolean, what: string, timeout?: number): Promise<StatusItem> {
    const item = await waitForValue(
      () => this.find('gracefulReload.status'),
      (found) => found !== undefined && isWanted(found),
      { what, timeout },
    );
    return item as StatusItem;
  }

  /** What the language status says of the active editor, as a screen reader hears it. */
  async languageStatus(): Promise<string> {
    return (await this.find('status.languageStatus'))?.ariaLabel ?? '';
  }

  async click(idEnd = 'gracefulReload.status'): Promise<void> {
    await this.#page.locator(`.part.statusbar .statusbar-item[id$="${idEnd}"]`).click();
  }

  async tooltip(idEnd = 'gracefulReload.status'): Promise<string> {
    return await hoverText(this.#page, this.#page.locator(`.part.statusbar .statusbar-item[id$="${idEnd}"]`));
  }
}
