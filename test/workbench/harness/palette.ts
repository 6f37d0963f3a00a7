import type { Locator, Page } from 'playwright-core';
import { plain, waitFor, waitForValue } from './waitFor.ts';

/** The box at the top of the window: the command palette, quick open, and every quick pick and input of an extension. */
export class Palette {
  readonly #page: Page;
  readonly #widget: Locator;
  readonly #input: Locator;
  readonly #rows: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#widget = page.locator('.quick-input-widget');
    this.#input = this.#widget.locator('input.input');
    this.#rows = this.#widget.locator('.quick-input-list [role=option]');
  }

  /** Runs a command by its exact text in the palette, such as `Graceful Reload: Reload Workers`. */
  async run(command: string): Promise<void> {
    await this.open('F1', `>${command}`);
    await this.pick(command);
  }

  /** Command texts the palette offers for this search, in its order. */
  async commands(search: string): Promise<string[]> {
    await this.open('F1', `>${search}`);
    let before: string | undefined;
    const labels = await waitForValue(
      () => this.labels(),
      (now) => now.join('\n') === before || ((before = now.join('\n')), false),
      { what: 'the list of commands to settle' },
    );
    await this.close();
    return labels;
  }

  /** Chooses an entry of the open list by its exact label. */
  async pick(label: string): Promise<void> {
    // A click that takes effect hides its row or takes it away, and may then be reported as one that had nothing to click.
    let clicked = false;
    await waitFor(
      async () => {
        if (clicked && !(await this.isOpen())) return true;
        const index = (await this.labels()).indexOf(label);
        if (index < 0) return clicked;
        clicked = true;
        await this.#rows.nth(index).click({ timeout: 1000 });
        return true;
      },
      { what: `the entry "${label}" in the list` },
    );
  }

  /** Labels of the open list. */
  async labels(): Promise<string[]> {
    const texts = await this.#rows.locator('.quick-input-list-row:first-child .label-name').allTextContents();
    return texts.map((text) => plain(text));
  }

  /** What stands behind the label of an entry of the open list. */
  async description(label: string): Promise<string> {
    const row = this.#rows.nth((await this.labels()).indexOf(label));
    return plain(await row.locator('.quick-input-list-row:first-child .label-description').innerText());
  }

  /** Answers an input box. */
  async answer(text: string): Promise<void> {
    await this.#input.waitFor({ state: 'visible' });
    await this.#input.fill(text);
    await this.#page.keyboard.press('Enter');
  }

  isOpen(): Promise<boolean> {
    return this.#widget.isVisible();
  }

  async open(key: 'F1' | 'Control+P', text: string): Promise<void> {
    // A window that has just been drawn swallows keys until its keyboard handling runs, and a palette that is about to
    // close after the last command is still visible but takes no text.
    await waitFor(
      async () => {
        if (!(await this.#input.isVisible())) await this.#page.keyboard.press(key);
        await this.#input.fill(text, { timeout: 1000 });
        return (await this.#input.inputValue({ timeout: 1000 })) === text;
      },
      { what: 'the palette to open' },
    );
  }

  /** Opens a file by its path in the workspace. */
  async openFile(path: string): Promise<void> {
    await this.open('Control+P', path);
    await this.pick(path.slice(path.lastIndexOf('/') + 1));
  }

  async close(): Promise<void> {
    await waitFor(
      async () => {
        if (await this.isOpen()) await this.#page.keyboard.press('Escape');
        return !(await this.isOpen());
      },
      { what: 'the palette to close' },
    );
  }
}
