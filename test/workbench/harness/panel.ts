import type { Locator, Page } from 'playwright-core';
import type { Palette } from './palette.ts';
import { linesOf, type PageElement, plain, waitForValue } from './waitFor.ts';

export interface Problem {
  severity: string;
  message: string;
  source: string;
  file: string;
  line: number;
  column: number;
}

/** The Problems panel. */
export class Problems {
  readonly #palette: Palette;
  readonly #panel: Locator;

  constructor(page: Page, palette: Palette) {
    this.#palette = palette;
    this.#panel = page.locator('.markers-panel-container');
  }

  async open(): Promise<void> {
    if (await this.#panel.isVisible()) return;
    await this.#palette.run('Problems: Focus on Problems View');
    await this.#panel.waitFor({ state: 'visible' });
  }

  /** Problems as far as they fit into the panel. */
  async list(): Promise<Problem[]> {
    await this.open();
    const rows = await this.#panel.locator('.tree-container [role=treeitem]').evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => ({
        index: Number(node.getAttribute('data-index')),
        isFile: node.getAttribute('aria-level') === '1',
        file: node.querySelector('.label-name')?.textContent ?? '',
        severity: /marker-icon (\w+)/.exec(node.querySelector('.marker-icon')?.className ?? '')?.[1] ?? '',
        message: Array.from(node.querySelectorAll('.marker-message'), (line) => line.textContent).join('\n'),
        source: node.querySelector('.marker-source')?.textContent ?? '',
        place: node.querySelector('.marker-line')?.textContent ?? '',
      })),
    );
    let file = '';
    const problems: Problem[] = [];
    for (const row of rows.sort((a, b) => a.index - b.index)) {
      if (row.isFile) {
        file = row.file;
        continue;
      }
      const [, line = '0', column = '0'] = /Ln (\d+), Col (\d+)/.exec(row.place) ?? [];
      problems.push({
        severity: row.severity,
        message: plain(row.message),
        source: row.source,
        file,
        line: Number(line),
        column: Number(column),
      });
    }
    return problems;
  }

  waitFor(isWanted: (problems: Problem[]) => boolean, what: string, timeout?: number): Promise<Problem[]> {
    return waitForValue(() => this.list(), isWanted, { what, timeout });
  }
}

/** The terminal that is shown. Its text comes from the terminal's own buffer: complete, whatever the panel's height. */
export class Terminal {
  readonly #page: Page;
  readonly #palette: Palette;

  constructor(page: Page, palette: Palette) {
    this.#page = page;
    this.#palette = palette;
  }

  /** Shows the terminal panel. */
  async open(): Promise<void> {
    if (await this.isShown()) return;
    await this.#palette.run('Terminal: Focus Terminal');
    await this.#page.locator('.terminal-wrapper.active').waitFor({ state: 'visible' });
  }

  isShown(): Promise<boolean> {
    return this.#page.locator('.terminal-wrapper.active').isVisible();
  }

  /** All lines since the terminal started (within its scrollback), wrapped lines joined. */
  async text(): Promise<string> {
    await this.open();
    return await this.#page.locator('.terminal-wrapper.active').evaluate((node: unknown) => {
      // VS Code hangs the xterm object on this element for tests like this one.
      const { xterm } = node as { xterm: { buffer: { active: Buffer } } };
      interface Buffer {
        length: number;
        getLine(index: number): { isWrapped: boolean; translateToString(trimRight: boolean): string };
      }
      const buffer = xterm.buffer.active;
      let text = '';
      for (let index = 0; index < buffer.length; index++) {
        const line = buffer.getLine(index);
        text += (index === 0 || line.isWrapped ? '' : '\n') + line.translateToString(true);
      }
      return text.trimEnd();
    });
  }

  async waitForText(pattern: RegExp, timeout?: number): Promise<string> {
    return await waitForValue(
      () => this.text(),
      (text) => pattern.test(text),
      { what: `${String(pattern)} in the terminal`, timeout },
    );
  }

  /** Types into the terminal, such as `\x03` for Ctrl+C. */
  async type(text: string): Promise<void> {
    await this.open();
    await this.#page.locator('.terminal-wrapper.active').evaluate((node: unknown, input: string) => {
      (node as { xterm: { input(data: string): void } }).xterm.input(input);
    }, text);
  }

  /** Names of all terminals. */
  async names(): Promise<string[]> {
    await this.open();
    const tabs = await this.#page
      .locator('.terminal-tabs-entry')
      .evaluateAll((nodes: unknown) =>
        Array.from(nodes as PageElement[], (node) => node.querySelector('.label-name')?.textContent ?? ''),
      );
    if (tabs.length > 0) return tabs.map((name) => plain(name).trim()).filter((name) => name !== '');
    // A single one has its name in the panel's title instead.
    const single = await this.#page.locator('.part.panel .single-terminal-tab').allInnerTexts();
    return single.map((name) => plain(name).trim());
  }
}

/** The Output panel: what is visible of the channel that is shown. */
export class Output {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async text(): Promise<string> {
    return await linesOf(this.#page.locator('.output-view-with-language, .output-view'));
  }

  waitForText(pattern: RegExp, timeout?: number): Promise<string> {
    return waitForValue(
      () => this.text(),
      (text) => pattern.test(text),
      { what: `${String(pattern)} in the output`, timeout },
    );
  }
}
