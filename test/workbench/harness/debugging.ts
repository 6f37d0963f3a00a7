import type { Locator, Page } from 'playwright-core';
import type { Editor } from './editor.ts';
import { waitFor } from './waitFor.ts';

/** Breakpoints, and the toolbar that is there while a debug session runs. */
export class Debugging {
  readonly #page: Page;
  readonly #editor: Editor;
  readonly #toolbar: Locator;

  constructor(page: Page, editor: Editor) {
    this.#page = page;
    this.#editor = editor;
    this.#toolbar = page.locator('.debug-toolbar');
  }

  /** Sets a breakpoint as a person does, with F9 in its line. */
  async breakAt(file: string, line: number): Promise<void> {
    await this.#editor.open(file);
    await this.#editor.goTo(line);
    await this.#page.keyboard.press('F9');
    await this.#page.locator('.cgmr[class*="codicon-debug-breakpoint"]').first().waitFor();
  }

  /** Until a debugger has taken the breakpoint of the open editor over. */
  async bound(): Promise<void> {
    await this.#page.locator('.cgmr.codicon-debug-breakpoint').first().waitFor({ timeout: 30_000 });
  }

  /** F5. */
  async start(): Promise<void> {
    await this.#page.keyboard.press('F5');
  }

  /** Until a program stands at a breakpoint of the open editor. */
  async paused(): Promise<void> {
    await this.#page.locator('.debug-top-stack-frame-line').first().waitFor({ timeout: 30_000 });
  }

  /** Lets the program go on. */
  async resume(): Promise<void> {
    await this.#toolbar.locator('a.action-label[aria-label^="Continue"]').click();
    await this.#page.locator('.debug-top-stack-frame-line').first().waitFor({ state: 'detached' });
  }

  async ended(): Promise<void> {
    await waitFor(async () => !(await this.#toolbar.isVisible()), {
      what: 'the debug session to end',
      timeout: 15_000,
    });
  }
}
