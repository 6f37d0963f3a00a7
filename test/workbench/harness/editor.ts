import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { Palette } from './palette.ts';
import { linesOf, type PageElement, plain, waitFor, waitForValue } from './waitFor.ts';

/** Text editors. Files are named by their path in the workspace. */
export class Editor {
  readonly #page: Page;
  readonly #palette: Palette;
  readonly #folder: string;

  constructor(page: Page, palette: Palette, folder: string) {
    this.#page = page;
    this.#palette = palette;
    this.#folder = folder;
  }

  async open(file: string): Promise<void> {
    if ((await this.active()) !== basename(file) || !(await this.#text().isVisible()))
      await this.#palette.openFile(file);
    await waitFor(async () => (await this.active()) === basename(file), { what: `${file} to be the active editor` });
    await this.#text().waitFor({ state: 'visible' });
  }

  /** Name of the active tab. */
  async active(): Promise<string | undefined> {
    const tab = this.#activeTab();
    return (await tab.count()) > 0 ? ((await tab.getAttribute('data-resource-name')) ?? undefined) : undefined;
  }

  async isDirty(): Promise<boolean> {
    return ((await this.#activeTab().getAttribute('class')) ?? '').split(' ').includes('dirty');
  }

  /** Badges behind the name in the active tab: counts of problems, marks of files. */
  async badge(): Promise<string> {
    return await this.#activeTab()
      .locator('.monaco-icon-label')
      .first()
      .evaluate((node: unknown) => {
        const style = (globalThis as unknown as { getComputedStyle(of: unknown, part: string): { content: string } })
          .getComputedStyle;
        return style(node, '::after').content.replaceAll('"', '');
      });
  }

  /** Lines of the two sides of the comparison that is open. */
  async comparison(): Promise<{ left: string; right: string }> {
    const diff = this.#page.locator('.editor-group-container.active .monaco-diff-editor');
    return {
      left: await linesOf(diff.locator('.editor.original .monaco-editor')),
      right: await linesOf(diff.locator('.editor.modified .monaco-editor')),
    };
  }

  /** Opens the file and types this text in place of what it holds. Not saved. */
  async setText(file: string, text: string): Promise<void> {
    await this.open(file);
    await this.#focusText();
    await this.#page.keyboard.press('Control+A');
    await this.#page.keyboard.insertText(text);
    await waitFor(() => this.isDirty(), { what: `${file} to have unsaved changes` });
  }

  /** Saves the active editor with the keyboard. */
  async save(): Promise<void> {
    await this.#focusText();
    await this.#page.keyboard.press('Control+S');
    await waitFor(async () => !(await this.isDirty()), { what: 'the file to be saved' });
  }

  /** Opens the file and types the changed text. Not saved. */
  async change(file: string, change: (text: string) => string): Promise<string> {
    const before = readFileSync(join(this.#folder, file), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`the edit leaves ${file} as it was`);
    await this.setText(file, after);
    return after;
  }

  /** What a person does: open, edit, save. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const after = await this.change(file, change);
    await this.save();
    await waitForValue(
      () => readFileSync(join(this.#folder, file), 'utf8'),
      (text) => text.trimEnd() === after.trimEnd(),
      { what: `the new text in ${file}` },
    );
  }

  /** Lines that are visible in the active editor. */
  visibleText(): Promise<string> {
    return linesOf(this.#text());
  }

  /** Line and column of the cursor in the active editor, from the status bar. */
  async cursor(): Promise<{ line: number; column: number } | undefined> {
    const text = plain(await this.#page.locator('[id="status.editor.selection"]').innerText());
    const match = /Ln (\d+), Col (\d+)/.exec(text);
    return match ? { line: Number(match[1]), column: Number(match[2]) } : undefined;
  }

  /** Labels of the buttons in the editor's title. */
  async titleActions(): Promise<string[]> {
    const buttons = this.#page.locator('.editor-group-container.active .editor-actions a.action-label');
    return await buttons.evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => node.getAttribute('aria-label') ?? ''),
    );
  }

  async clickTitle(action: string): Promise<void> {
    await this.#page
      .locator('.editor-group-container.active .editor-actions')
      .locator(`a.action-label[aria-label="${action}"], a.action-label[aria-label^="${action} ("]`)
      .first()
      .click();
  }

  /** Quick fixes at this line of the active editor. */
  async quickFixes(line: number): Promise<string[]> {
    await this.#openQuickFixes(line);
    const labels = (await this.#fixes().locator('.title').allInnerTexts()).map((label) => plain(label));
    await this.#page.keyboard.press('Escape');
    return labels;
  }

  async quickFix(line: number, label: string): Promise<void> {
    await this.#openQuickFixes(line);
    await this.#fixes().filter({ hasText: label }).first().click();
  }

  /** Puts the cursor into this line of the active editor. */
  async goTo(line: number): Promise<void> {
    await this.#palette.open('Control+P', `:${line}`);
    await this.#page.keyboard.press('Enter');
    await waitFor(async () => (await this.cursor())?.line === line, { what: `the cursor in line ${line}` });
    await this.#focusText();
  }

  async #openQuickFixes(line: number): Promise<void> {
    await this.goTo(line);
    await waitFor(
      async () => {
        await this.#focusText();
        await this.#page.keyboard.press('Control+.');
        await this.#fixes().first().waitFor({ state: 'visible', timeout: 2000 });
        return true;
      },
      { what: `quick fixes in line ${line}` },
    );
  }

  #fixes(): Locator {
    return this.#page.locator('.action-widget .monaco-list-row.action');
  }

  #activeTab(): Locator {
    return this.#page.locator('.editor-group-container.active .tab.active');
  }

  #text(): Locator {
    return this.#page.locator('.editor-group-container.active .editor-instance .monaco-editor').first();
  }

  /** Without the mouse: a click would move the cursor, and where the first line is depends on how far the text is scrolled. */
  async #focusText(): Promise<void> {
    const input = this.#text().locator('.native-edit-context, textarea.inputarea').first();
    await waitFor(
      async () => {
        await input.focus({ timeout: 1000 });
        return ((await this.#text().getAttribute('class')) ?? '').split(' ').includes('focused');
      },
      { what: 'the editor to have the focus' },
    );
  }
}
