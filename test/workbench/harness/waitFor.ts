import type { Locator } from 'playwright-core';

/** What a page object asks again and again; it may throw while the page is between two states. */
export type Probe<T> = () => Promise<T> | T;

/**
 * Asks until the answer is neither false nor empty, and gives it back. This is the only way the workbench tests wait:
 * never for a guessed time. The error says what was waited for and what was seen last.
 */
export async function waitFor<T>(
  probe: Probe<T>,
  options: { what: string; timeout?: number },
): Promise<Exclude<NonNullable<T>, false>> {
  const timeout = options.timeout ?? 20_000;
  let seen: unknown;
  for (const deadline = Date.now() + timeout; ;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== undefined && answer !== null) return answer as Exclude<NonNullable<T>, false>;
      seen = answer;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const last = seen instanceof Error ? `; last: ${seen.message}` : '';
  throw new Error(`waited ${timeout} ms for ${options.what}${last}`, { cause: seen });
}

/** Like waitFor, for a value that a test compares: the error shows the last value in full. */
export async function waitForValue<T>(
  read: Probe<T>,
  isWanted: (value: T) => boolean,
  options: { what: string; timeout?: number },
): Promise<T> {
  let last: T | undefined;
  try {
    const found = await waitFor(async () => {
      last = await read();
      return isWanted(last) && { value: last };
    }, options);
    return found.value;
  } catch (error) {
    throw new Error(`${(error as Error).message}\nlast value: ${JSON.stringify(last, undefined, 2)}`, { cause: error });
  }
}

/** The part of a DOM element that the page objects read. They run in the browser, the type checker knows only Node. */
export interface PageElement {
  readonly className: string;
  readonly textContent: string | null;
  readonly parentElement: PageElement | null;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

/** Monaco draws spaces as non-breaking ones. */
export const plain = (text: string | null | undefined): string => (text ?? '').replace(/\u00a0/g, ' ');

/** Lines that a Monaco editor has drawn, from top to bottom. */
export async function linesOf(editor: Locator): Promise<string> {
  const lines = await editor.locator('.view-line').evaluateAll((nodes: unknown) =>
    Array.from(nodes as (PageElement & { style: { top: string } })[], (node) => ({
      top: parseFloat(node.style.top),
      text: node.textContent ?? '',
    })),
  );
  return lines
    .sort((a, b) => a.top - b.top)
    .map((line) => plain(line.text))
    .join('\n');
}
