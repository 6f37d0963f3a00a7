import type { Locator, Page } from 'playwright-core';
import type { Palette } from './palette.ts';
import { type PageElement, plain, waitFor, waitForValue } from './waitFor.ts';

export interface WalkthroughStep {
  title: string;
  isDone: boolean;
  isOpen: boolean;
}

/** The page that opens after an install: steps with a text, a button and a picture. */
export class Walkthrough {
  readonly #page: Page;
  readonly #palette: Palette;
  readonly #steps: Locator;

  constructor(page: Page, palette: Palette) {
    this.#page = page;
    this.#palette = palette;
    this.#steps = page.locator('.gettingStartedContainer .getting-started-step');
  }

  /** Opens it, or comes back to it. */
  async open(title: string): Promise<void> {
    await this.#palette.run('Welcome: Open Walkthrough...');
    await this.#palette.pick(title);
    await this.#steps.first().waitFor({ state: 'visible' });
  }

  async steps(): Promise<WalkthroughStep[]> {
    return await this.#steps.evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => ({
        title: node.querySelector('.step-title')?.textContent ?? '',
        isDone: node.getAttribute('aria-checked') === 'true',
        isOpen: node.getAttribute('aria-expanded') === 'true',
      })),
    );
  }

  /** Titles of the steps that are done. */
  async done(): Promise<string[]> {
    return (await this.steps()).filter(({ isDone }) => isDone).map(({ title }) => title);
  }

  async waitForDone(titles: readonly string[]): Promise<void> {
    await waitForValue(
      () => this.done(),
      (done) => done.join() === titles.join(),
      { what: `the steps that are done to be ${titles.join(', ')}` },
    );
  }

  /** Opens a step and reads what it shows, once its picture is there. */
  async show(title: string, picture: string): Promise<{ text: string; buttons: string[]; alt: string }> {
    const step = this.#steps.filter({ hasText: title });
    await waitFor(
      async () => {
        if ((await step.getAttribute('aria-expanded')) !== 'true') await step.locator('.step-title').click();
        return (await step.getAttribute('aria-expanded')) === 'true';
      },
      { what: `the step "${title}" to open` },
    );
    const image = this.#page.locator('.gettingStartedContainer .getting-started-media img');
    await waitFor(
      () =>
        image.evaluate((node: unknown, wanted) => {
          const { srcset, naturalWidth } = node as { srcset: string; naturalWidth: number };
          return srcset.includes(`%2F${wanted}&`) && naturalWidth > 0;
        }, picture),
      { what: `the picture ${picture}` },
    );
    const buttons = await step.locator('.monaco-button').allTextContents();
    return {
      text: plain(await step.innerText()),
      buttons: buttons.map((label) => plain(label)),
      alt: (await image.getAttribute('alt')) ?? '',
    };
  }

  /** Of the step that is open. */
  async click(button: string): Promise<void> {
    await this.#steps.locator('.monaco-button:visible', { hasText: button }).click();
  }

  /** Titles that do not fit: VS Code ends them with dots. */
  async cut(): Promise<string[]> {
    return await this.#steps.locator('.step-title').evaluateAll((nodes: unknown) =>
      Array.from(nodes as { textContent: string; scrollWidth: number; clientWidth: number }[])
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map(({ textContent }) => textContent),
    );
  }
}
