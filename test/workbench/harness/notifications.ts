import type { Locator, Page } from 'playwright-core';
import type { Palette } from './palette.ts';
import { type PageElement, plain, waitFor } from './waitFor.ts';

export interface Notification {
  severity: 'error' | 'warning' | 'info';
  text: string;
  source: string;
  buttons: string[];
}

/** Toasts in the corner, and modal dialogs. */
export class Notifications {
  readonly #palette: Palette;
  readonly #toasts: Locator;
  readonly #dialog: Locator;

  constructor(page: Page, palette: Palette) {
    this.#palette = palette;
    this.#toasts = page.locator('.notifications-toasts .notification-toast');
    this.#dialog = page.locator('.monaco-dialog-box');
  }

  async list(): Promise<Notification[]> {
    const read = await this.#toasts.evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => ({
        icon: node.querySelector('.notification-list-item-icon')?.className ?? '',
        text: node.querySelector('.notification-list-item-message')?.textContent ?? '',
        source: node.querySelector('.notification-list-item-source')?.textContent ?? '',
        buttons: Array.from(node.querySelectorAll('.monaco-button'), (button) => button.textContent ?? ''),
      })),
    );
    return read.map(({ icon, text, source, buttons }) => ({
      severity: (['error', 'warning'] as const).find((kind) => icon.includes(`codicon-${kind}`)) ?? 'info',
      text: plain(text),
      source: plain(source).replace(/^Source: /, ''),
      buttons: buttons.map((label) => plain(label)),
    }));
  }

  waitFor(pattern: RegExp, timeout?: number): Promise<Notification> {
    return waitFor(async () => (await this.list()).find((one) => pattern.test(one.text)), {
      what: `a notification ${String(pattern)}`,
      timeout,
    });
  }

  async click(pattern: RegExp, button: string): Promise<void> {
    await this.waitFor(pattern);
    const toast = this.#toasts.filter({ hasText: pattern }).first();
    await toast.hover();
    await toast.locator('.monaco-button', { hasText: button }).first().click();
  }

  async clearAll(): Promise<void> {
    if ((await this.#toasts.count()) === 0) return;
    await this.#palette.run('Notifications: Clear All Notifications');
    await waitFor(async () => (await this.#toasts.count()) === 0, { what: 'the notifications to go' });
  }

  /** Text and buttons of the modal dialog that is open. */
  async dialog(): Promise<{ text: string; buttons: string[] } | undefined> {
    if (!(await this.#dialog.isVisible())) return undefined;
    const text = await this.#dialog.locator('.dialog-message-container').innerText();
    const buttons = await this.#dialog.locator('.dialog-buttons .monaco-button').allInnerTexts();
    return { text: plain(text), buttons: buttons.map((label) => plain(label)) };
  }

  async clickDialog(button: string): Promise<void> {
    await this.#dialog.locator('.dialog-buttons .monaco-button', { hasText: button }).first().click();
  }
}
