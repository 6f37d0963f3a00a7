import type { Locator, Page } from 'playwright-core';
import { type PageElement, plain, waitFor, waitForValue } from './waitFor.ts';

export interface Row {
  label: string;
  description: string;
  /** 1 = top. */
  level: number;
  ariaLabel: string;
  /** Undefined where there is nothing to expand. */
  expanded: boolean | undefined;
  selected: boolean;
  /** Name of the codicon, such as `server-process`. */
  icon: string | undefined;
}

interface Counts {
  rows: number;
  texts: number;
}

/** A row is named by its label, or by a pattern over `label description`. */
export type RowName = string | RegExp;

const containerId = 'workbench.view.extension.gracefulReload';

/** Our view container: the tree "Workers", its buttons, and the welcome text where no server runs. */
export class Sidebar {
  readonly #page: Page;
  readonly #part: Locator;
  readonly #container: Locator;
  readonly #rows: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#part = page.locator('.part.sidebar');
    this.#container = page.locator(`[id="${containerId}"]`);
    this.#rows = this.#container.locator('.customview-tree [role=treeitem]');
  }

  async open(): Promise<void> {
    const tab = this.#page.locator('.part.activitybar').getByRole('tab', { name: 'Graceful Reload' });
    await waitFor(
      async () => {
        // A click on the icon of the open container would close it. A busy window takes seconds to draw what was clicked.
        if (await this.#container.isVisible()) return true;
        await tab.click({ timeout: 5000 });
        await this.#container.waitFor({ state: 'visible', timeout: 20_000 });
        return true;
      },
      { what: 'the view container to open', timeout: 60_000 },
    );
  }

  title(): Promise<string> {
    return this.#part.locator('.composite.title h2').innerText();
  }

  /** Rows from top to bottom, as far as they fit into the window. */
  async rows(): Promise<Row[]> {
    // While VS Code draws a row anew it is out of the list for a moment, which nobody can see: its index is missing.
    const read = await waitFor(
      async () => {
        const now = (await this.#read()).sort((a, b) => a.index - b.index);
        return now.every(({ index }, at) => index === now[0]!.index + at) && now;
      },
      { what: 'the rows to be drawn' },
    );
    return read.map(({ label, description, level, ariaLabel, expanded, selected, icon }) => ({
      label: plain(label),
      description: plain(description),
      level,
      ariaLabel,
      expanded: expanded === null ? undefined : expanded === 'true',
      selected: selected === 'true',
      icon: /codicon-(?!colored|modifier)(\S+)/.exec(icon)?.[1],
    }));
  }

  #read() {
    return this.#rows.evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => ({
        index: Number(node.getAttribute('data-index')),
        label: node.querySelector('.label-name')?.textContent ?? '',
        description: node.querySelector('.label-description')?.textContent ?? '',
        level: Number(node.getAttribute('aria-level')),
        ariaLabel: node.getAttribute('aria-label') ?? '',
        expanded: node.getAttribute('aria-expanded'),
        selected: node.getAttribute('aria-selected'),
        icon: node.querySelector('.custom-view-tree-node-item-icon')?.className ?? '',
      })),
    );
  }

  /** Counts from now on what is drawn: rows that come or go, and rows whose text changes, each time once. */
  async countChanges(): Promise<{ read(): Promise<{ rows: number; texts: number }> }> {
    const list = this.#container.locator('.customview-tree .monaco-list-rows');
    await list.evaluate((node: unknown) => {
      interface Change {
        type: string;
        target: unknown;
        addedNodes: { length: number };
        removedNodes: { length: number };
      }
      const { MutationObserver } = globalThis as unknown as {
        MutationObserver: new (told: (changes: Change[]) => void) => { observe(of: unknown, options: object): void };
      };
      const counts = { rows: 0, texts: 0 };
      (node as { counts: object }).counts = counts;
      new MutationObserver((changes) => {
        for (const { type, target, addedNodes, removedNodes } of changes) {
          if (target === node) counts.rows += addedNodes.length + removedNodes.length;
          else if (type === 'attributes') counts.texts++;
        }
      }).observe(node, { childList: true, subtree: true, attributes: true, attributeFilter: ['aria-label'] });
    });
    return { read: () => list.evaluate((node: unknown) => ({ ...(node as { counts: Counts }).counts })) };
  }

  /** Waits until the rows are as wanted and gives them back; the error shows the rows there were. */
  waitForRows(isWanted: (rows: Row[]) => boolean, what: string, timeout?: number): Promise<Row[]> {
    return waitForValue(() => this.rows(), isWanted, { what, timeout });
  }

  waitForRow(name: RowName, timeout?: number): Promise<Row> {
    return waitFor(async () => (await this.rows()).find((row) => isNamed(row, name)), {
      what: `the row ${String(name)}`,
      timeout,
    });
  }

  async click(name: RowName): Promise<void> {
    await this.#onRow(name, (row) => row.locator('.label-name').click({ timeout: 2000 }));
  }

  async expand(name: RowName): Promise<void> {
    await this.#toggle(name, true);
  }

  async collapse(name: RowName): Promise<void> {
    await this.#toggle(name, false);
  }

  /** Labels of the buttons in a row. */
  async inlineActions(name: RowName): Promise<string[]> {
    return await this.#onRow(name, async (row) => {
      await row.hover({ timeout: 2000 });
      return await labelsOf(row.locator('.actions'));
    });
  }

  async clickInline(name: RowName, action: string): Promise<void> {
    await this.#onRow(name, async (row) => {
      await row.hover({ timeout: 2000 });
      await button(row.locator('.actions'), action).click({ timeout: 2000 });
    });
  }

  /** Entries of a row's context menu. */
  async contextMenu(name: RowName): Promise<string[]> {
    await this.#openContextMenu(name);
    const labels = await this.#menuItems().allTextContents();
    await this.#page.keyboard.press('Escape');
    return labels.map((label) => plain(label));
  }

  async clickContextMenu(name: RowName, item: string): Promise<void> {
    await this.#openContextMenu(name);
    await this.#clickMenuItem(item);
  }

  /** Text of the hover over a row. */
  async tooltip(name: RowName): Promise<string> {
    return await this.#onRow(name, (row) => hoverText(this.#page, row.locator('.label-name')));
  }

  /** Labels of the buttons in the view's title. */
  async titleActions(): Promise<string[]> {
    await this.#part.locator('.composite.title').hover();
    return await labelsOf(this.#part.locator('.composite.title .title-actions'));
  }

  /** Clicks a button in the view's title, or the entry of that name behind its `...`. */
  async clickTitle(action: string): Promise<void> {
    const title = this.#part.locator('.composite.title .title-actions');
    await this.#part.locator('.composite.title').hover();
    if ((await labelsOf(title)).some((label) => isLabel(label, action))) {
      await button(title, action).click();
    } else {
      await title.getByRole('button', { name: 'More Actions...' }).click();
      await this.#clickMenuItem(action);
    }
  }

  /** Text and buttons where the tree is empty; undefined when rows are shown. */
  async welcome(): Promise<{ text: string; buttons: string[] } | undefined> {
    const view = this.#container.locator('.welcome-view-content');
    if (!(await view.isVisible())) return undefined;
    const paragraphs = await view.locator('p').allTextContents();
    const buttons = await view.locator('.monaco-button').allTextContents();
    return { text: plain(paragraphs.join('\n')), buttons: buttons.map((label) => plain(label)) };
  }

  async waitForWelcome(
    isWanted: (welcome: { text: string; buttons: string[] }) => boolean,
    what: string,
    timeout?: number,
  ): Promise<void> {
    const isThere = (welcome?: { text: string; buttons: string[] }): boolean => !!welcome && isWanted(welcome);
    await waitForValue(() => this.welcome(), isThere, { what, timeout });
  }

  async clickWelcome(label: string): Promise<void> {
    const view = this.#container.locator('.welcome-view-content');
    await view.locator('.monaco-button', { hasText: label }).first().click();
  }

  async #toggle(name: RowName, expanded: boolean): Promise<void> {
    await waitFor(
      async () => {
        const row = (await this.rows()).find((one) => isNamed(one, name));
        if (row?.expanded === expanded) return true;
        if (row) await this.#onRow(name, (one) => one.locator('.monaco-tl-twistie').click({ timeout: 2000 }));
        return false;
      },
      { what: `the row ${String(name)} to be ${expanded ? 'expanded' : 'collapsed'}` },
    );
  }

  async #openContextMenu(name: RowName): Promise<void> {
    await this.#onRow(name, async (row) => {
      await row.locator('.label-name').click({ button: 'right', timeout: 2000 });
      await this.#menuItems().first().waitFor({ state: 'visible', timeout: 2000 });
    });
  }

  #menuItems(): Locator {
    return this.#page.locator('.monaco-menu [role=menuitem] .action-label');
  }

  async #clickMenuItem(item: string): Promise<void> {
    const escaped = item.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const entry = this.#menuItems().filter({ hasText: new RegExp(`^${escaped}$`) });
    await entry.waitFor({ state: 'visible' });
    // A menu that has just opened ignores the mouse for a moment.
    await waitFor(
      async () => {
        await entry.click({ timeout: 500 }).catch(() => undefined);
        return !(await entry.isVisible());
      },
      { what: `the menu entry "${item}" to be taken` },
    );
  }

  /** Rows move while a reload runs: finds the row anew for each try. */
  async #onRow<T>(name: RowName, act: (row: Locator) => Promise<T>): Promise<T> {
    const done = await waitFor(
      async () => {
        const index = (await this.rows()).findIndex((row) => isNamed(row, name));
        if (index < 0) return false;
        return {
          result: await act(this.#container.locator(`.customview-tree [role=treeitem][data-index="${index}"]`)),
        };
      },
      { what: `the row ${String(name)}` },
    );
    return done.result;
  }
}

const isNamed = (row: Row, name: RowName): boolean =>
  typeof name === 'string' ? row.label === name : name.test(`${row.label} ${row.description}`.trim());

/** A button's label may have its key binding behind it. */
const isLabel = (text: string, label: string): boolean => text === label || text.startsWith(`${label} (`);

async function labelsOf(actions: Locator): Promise<string[]> {
  const labels = await actions
    .locator('a.action-label[role=button]')
    .evaluateAll((nodes: unknown) =>
      Array.from(nodes as PageElement[], (node) => node.getAttribute('aria-label') ?? ''),
    );
  return labels.filter((label) => label !== '' && !label.endsWith('More Actions...'));
}

const button = (actions: Locator, label: string): Locator =>
  actions.locator(`a.action-label[aria-label="${label}"], a.action-label[aria-label^="${label} ("]`).first();

/** Points at something and reads the hover that appears. */
export async function hoverText(page: Page, target: Locator): Promise<string> {
  const hovers = page.locator('.workbench-hover');
  // A hover opens when the pointer enters, and the one before may linger.
  await page.mouse.move(700, 300);
  await waitFor(async () => (await hovers.count()) === 0, { what: 'the last hover to go' });
  await target.hover({ timeout: 2000 });
  return await waitFor(
    async () => {
      const text = plain((await hovers.allInnerTexts())[0]).trim();
      // What it shows until the extension has answered.
      return text !== '' && !text.startsWith('Loading') && text;
    },
    { what: 'a hover', timeout: 5000 },
  );
}
