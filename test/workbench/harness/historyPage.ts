import type { FrameLocator, Page } from 'playwright-core';
import { type PageElement, plain, waitFor, waitForValue } from './waitFor.ts';

export interface Bar {
  lane: string;
  title: string;
  selected: boolean;
}

/** The page with a server's history: a web view, which VS Code puts into two frames. */
export class HistoryPage {
  readonly #page: Page;
  readonly #frame: FrameLocator;

  constructor(page: Page) {
    this.#page = page;
    this.#frame = page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  async title(): Promise<string> {
    return await this.#frame.locator('h1').innerText();
  }

  /** Bars as they are drawn, lane by lane from left to right. */
  async bars(): Promise<Bar[]> {
    const lanes = await this.#frame.locator('[role=row]').evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (lane) => ({
        lane: lane.querySelector('[role=rowheader]')?.textContent ?? '',
        bars: Array.from(lane.querySelectorAll('[role=gridcell]'), (bar) => ({
          title: bar.getAttribute('aria-label') ?? '',
          selected: bar.getAttribute('aria-selected') === 'true',
        })),
      })),
    );
    return lanes.flatMap(({ lane, bars }) => bars.map((bar) => ({ lane: plain(lane), ...bar })));
  }

  /** Texts above the bars, each with where it begins and ends: the times, and the numbers of the reloads. */
  async labels(kind: 'ticks' | 'marks'): Promise<{ text: string; left: number; right: number }[]> {
    const all = await this.#frame.locator(`.${kind} .track span`).evaluateAll((nodes: unknown) =>
      Array.from(nodes as (PageElement & { getBoundingClientRect(): { left: number; right: number } })[], (node) => {
        const { left, right } = node.getBoundingClientRect();
        return { text: node.textContent ?? '', left, right };
      }),
    );
    return all.sort((a, b) => a.left - b.left);
  }

  waitForBars(isWanted: (bars: Bar[]) => boolean, what: string): Promise<Bar[]> {
    return waitForValue(() => this.bars(), isWanted, { what });
  }

  /** Rows of the table of reloads. */
  async reloads(): Promise<string[][]> {
    return await this.#frame
      .locator('tbody tr')
      .evaluateAll((nodes: unknown) =>
        Array.from(nodes as PageElement[], (row) =>
          Array.from(row.querySelectorAll('td'), (cell) => cell.textContent ?? ''),
        ),
      );
  }

  /** Puts the focus on the bar that the Tab key reaches. */
  async focusBar(): Promise<void> {
    await waitFor(
      async () => {
        await this.#frame.locator('[role=gridcell][tabindex="0"]').focus({ timeout: 1000 });
        return (await this.focused()) !== '';
      },
      { what: 'a bar with the focus' },
    );
  }

  /** What a screen reader says of the bar that has the focus. */
  async focused(): Promise<string> {
    const bar = this.#frame.locator('[role=gridcell]:focus');
    return (await bar.count()) > 0 ? ((await bar.getAttribute('aria-label')) ?? '') : '';
  }

  /**
   * Until this has the focus, with a ring around it that nothing cuts off: a bar stands in a track that shows nothing
   * outside of itself.
   */
  async waitForFocus(name: RegExp): Promise<void> {
    const focus = await waitForValue(
      () => this.#focus(),
      (now) => now !== undefined && name.test(now.name),
      { what: `the focus on ${String(name)} in the page` },
    );
    if (focus?.ring !== 'whole') throw new Error(`${focus?.name} has the focus, and its ring is ${focus?.ring}`);
  }

  /** Tab, from wherever the page has the focus, or has just got it. */
  async tabTo(name: RegExp): Promise<void> {
    await waitFor(
      async () => {
        await this.press('Tab');
        return name.test((await this.#focus())?.name ?? '');
      },
      { what: `Tab to lead to ${String(name)}` },
    );
    await this.waitForFocus(name);
  }

  async #focus(): Promise<{ name: string; ring: 'whole' | 'cut' | 'missing' } | undefined> {
    return await this.#frame.locator('body').evaluate((body: unknown) => {
      interface Style {
        outlineStyle: string;
        outlineWidth: string;
        outlineOffset: string;
        overflow: string;
      }
      interface Node extends PageElement {
        ownerDocument: { activeElement: Node };
        labels?: Node[];
        parentElement: Node | null;
        matches(selector: string): boolean;
      }
      const focused = (body as Node).ownerDocument.activeElement;
      if (focused === body) return undefined;
      const styleOf = (of: Node): Style =>
        (globalThis as unknown as { getComputedStyle(of: Node): Style }).getComputedStyle(of);
      // A radio button shows nothing; its label does.
      const shown = focused.labels?.[0] ?? focused;
      const { outlineStyle, outlineWidth, outlineOffset } = styleOf(shown);
      const isMissing = outlineStyle === 'none' || parseFloat(outlineWidth) < 1;
      const isOutside = parseFloat(outlineOffset) + parseFloat(outlineWidth) > 0;
      const isCut = isOutside && shown.parentElement !== null && styleOf(shown.parentElement).overflow !== 'visible';
      return {
        name: (focused.getAttribute('aria-label') ?? shown.textContent ?? '').trim(),
        ring: isMissing ? ('missing' as const) : isCut ? ('cut' as const) : ('whole' as const),
      };
    });
  }

  async press(key: string): Promise<void> {
    await this.#page.keyboard.press(key);
  }

  async choose(range: string): Promise<void> {
    await this.#frame.locator('label.range', { hasText: range }).click();
  }

  details(): Promise<string> {
    return this.#frame.locator('#details').innerText();
  }

  /** Elements that say something but have no name for a screen reader. */
  async unnamed(): Promise<string[]> {
    return await this.#frame.locator('[role=gridcell], [role=grid], section, th, input').evaluateAll((nodes: unknown) =>
      Array.from(nodes as (PageElement & { outerHTML: string; labels?: { length: number } })[])
        .filter(
          (node) =>
            !node.getAttribute('aria-label') &&
            !node.getAttribute('aria-labelledby') &&
            !node.labels?.length &&
            !node.textContent?.trim(),
        )
        .map((node) => node.outerHTML.slice(0, 200)),
    );
  }
}
