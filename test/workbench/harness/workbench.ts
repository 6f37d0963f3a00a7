/**
 * A real VS Code for a test: its server with the packaged extension in it, a copy of a workspace, and a browser window on
 * that. What a test does, a person could do.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { marked } from '../../../scripts/lib/guarded.mjs';
import { packageExtension } from '../../../scripts/package.mjs';
import { startVsCodeServer } from '../../../scripts/lib/vscodeServer.mjs';
import { ensureChromium } from '../../../scripts/testbed.mjs';
import { Debugging } from './debugging.ts';
import { Editor } from './editor.ts';
import { HistoryPage } from './historyPage.ts';
import { Keyboard } from './keyboard.ts';
import { Notifications } from './notifications.ts';
import { Palette } from './palette.ts';
import { Output, Problems, Terminal } from './panel.ts';
import { Sidebar } from './sidebar.ts';
import { StatusBar } from './statusBar.ts';
import { waitFor } from './waitFor.ts';
import { Walkthrough } from './walkthrough.ts';

const root = join(import.meta.dirname, '../../..');
const screenshots = join(root, 'test/workbench/screenshots');

export interface WorkbenchOptions {
  /** Folder that is copied and opened; relative to the repository. */
  fixture: string;
  /** Last touches to the copy before the window opens, such as writing files. */
  prepare?: (folder: string) => void;
  /** User settings. */
  settings?: Record<string, unknown>;
  /** Whether VS Code asks whether the folder is trusted; by default every folder is. */
  workspaceTrust?: boolean;
  env?: NodeJS.ProcessEnv;
  /** The packaged extension; null = none. */
  vsix?: string | null;
  /** Folders of further extensions; relative to the repository. */
  extensions?: readonly string[];
}

/** Typed text must arrive as it is. */
const editorSettings = {
  'editor.acceptSuggestionOnCommitCharacter': false,
  'editor.acceptSuggestionOnEnter': 'off',
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingComments': 'never',
  'editor.autoClosingQuotes': 'never',
  'editor.autoIndent': 'none',
  'editor.autoSurround': 'never',
  'editor.formatOnType': false,
  'editor.minimap.enabled': false,
  'editor.quickSuggestions': { comments: 'off', other: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
  'files.hotExit': 'off',
  'html.autoClosingTags': false,
  'javascript.autoClosingTags': false,
  'typescript.autoClosingTags': false,
  'terminal.integrated.scrollback': 10000,
};

/** One browser window with its page objects. */
export class Window {
  readonly page: Page;
  readonly folder: string;
  readonly palette: Palette;
  readonly sidebar: Sidebar;
  readonly statusBar: StatusBar;
  readonly problems: Problems;
  readonly terminal: Terminal;
  readonly output: Output;
  readonly editor: Editor;
  readonly debugging: Debugging;
  readonly notifications: Notifications;
  readonly history: HistoryPage;
  readonly walkthrough: Walkthrough;
  readonly keyboard: Keyboard;

  constructor(page: Page, folder: string) {
    this.page = page;
    this.folder = folder;
    this.palette = new Palette(page);
    this.sidebar = new Sidebar(page);
    this.statusBar = new StatusBar(page);
    this.problems = new Problems(page, this.palette);
    this.terminal = new Terminal(page, this.palette);
    this.output = new Output(page);
    this.editor = new Editor(page, this.palette, folder);
    this.debugging = new Debugging(page, this.editor);
    this.notifications = new Notifications(page, this.palette);
    this.history = new HistoryPage(page);
    this.walkthrough = new Walkthrough(page, this.palette);
    this.keyboard = new Keyboard(page);
  }

  /** Until the window is drawn and connected to its extension host. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    await this.page.locator('.part.sidebar .composite.title h2').waitFor({ timeout: 60_000 });
    await waitFor(async () => !(await this.statusBar.find(/Activating Extensions/)), {
      what: 'the extensions to be active',
      timeout: 60_000,
    });
  }

  /** What "Developer: Reload Window" does. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** Clicks "Trust" in the editor for workspace trust, which lies above all else, and closes it. */
  async trust(): Promise<void> {
    const editor = this.page.locator('.workspace-trust-editor');
    await editor.locator('.monaco-button', { hasText: /^Trust$/ }).click();
    await editor.getByText('You trust this folder').waitFor();
    await this.page.locator('.monaco-modal-editor-block a.action-label[aria-label^="Close"]').last().click();
    await editor.waitFor({ state: 'hidden' });
  }

  /** Into the git-ignored folder test/workbench/screenshots. */
  async screenshot(name: string): Promise<string> {
    mkdirSync(screenshots, { recursive: true });
    const path = join(screenshots, `${name.replace(/[^\w.-]+/g, '-')}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}

export class Workbench {
  /** The copy of the fixture. */
  readonly folder: string;
  /** The first window. */
  readonly window: Window;
  /** For command lines that must find the servers of this workbench. */
  readonly env: NodeJS.ProcessEnv;
  readonly #server: Awaited<ReturnType<typeof startVsCodeServer>>;
  readonly #browser: Browser;
  readonly #home: string;
  readonly #windows: Window[];

  private constructor(parts: {
    folder: string;
    window: Window;
    env: NodeJS.ProcessEnv;
    server: Awaited<ReturnType<typeof startVsCodeServer>>;
    browser: Browser;
    home: string;
  }) {
    this.folder = parts.folder;
    this.window = parts.window;
    this.env = parts.env;
    this.#server = parts.server;
    this.#browser = parts.browser;
    this.#home = parts.home;
    this.#windows = [parts.window];
  }

  static async open(options: WorkbenchOptions): Promise<Workbench> {
    const home = realpathSync(mkdtempSync(join(tmpdir(), 'gr-workbench-')));
    const folder = join(home, options.fixture);
    cpSync(join(root, options.fixture), folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
    // What an example of this repository finds above itself: packages, and our types.
    for (const name of ['node_modules', 'src']) symlinkSync(join(root, name), join(home, name));
    options.prepare?.(folder);
    // The servers of this workbench are seen by nobody else, and it sees nobody else's.
    const env = { GRACEFUL_RELOAD_RUNTIME_DIR: join(home, 'run'), ...options.env };
    mkdirSync(env.GRACEFUL_RELOAD_RUNTIME_DIR, { mode: 0o700 });
    const vsix = options.vsix === null ? [] : [options.vsix ?? join(root, 'dist/graceful-reload.vsix')];
    for (const extension of options.extensions ?? []) {
      const file = join(home, `${basename(extension)}.vsix`);
      await packageExtension(join(root, extension), file);
      vsix.push(file);
    }
    const server = await startVsCodeServer({
      vsix,
      workspaceTrust: options.workspaceTrust ?? false,
      settings: { ...editorSettings, ...options.settings },
      env,
    });
    try {
      const browser = await chromium.launch({
        executablePath: await ensureChromium(),
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      });
      const window = await openWindow(browser, server.url(folder), folder);
      return new Workbench({ folder, window, env: { ...process.env, ...env }, server, browser, home });
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** A further window, on the same folder unless told otherwise (another one, or a workspace file); like another person's, with storage of its own. */
  async openWindow(folder = this.folder, language?: string): Promise<Window> {
    const window = await openWindow(this.#browser, this.#server.url(folder), folder, language);
    this.#windows.push(window);
    return window;
  }

  /** Those that are open, the first one first. */
  get windows(): readonly Window[] {
    return this.#windows.filter(({ page }) => !page.isClosed());
  }

  /** Everything the VS Code server printed. */
  get log(): string {
    return this.#server.output();
  }

  /** Pids of all processes that were started by this VS Code, whatever became of their parents. */
  processes(): number[] {
    return marked(this.#server.mark);
  }

  /** Closes all windows and ends every process. */
  async dispose(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(this.processes(), [], 'processes of the workbench are left');
  }
}

/** @param language of VS Code, as its language packs name it; its own texts stay English without one, those of extensions do not */
async function openWindow(browser: Browser, url: string, folder: string, language?: string): Promise<Window> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, locale: 'en-US' });
  if (language !== undefined)
    await context.addInitScript((chosen) => {
      (globalThis as { _VSCODE_NLS_LANGUAGE?: string })._VSCODE_NLS_LANGUAGE = chosen;
    }, language);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  const window = new Window(page, folder);
  await window.ready();
  return window;
}

/** A part of a test that is counted by itself; the parts share the workbench, and none follows after one that failed. */
export type Step = (name: string, body: () => Promise<void>) => Promise<void>;

/** A test with a workbench of its own. When it fails, screenshots and the end of the server's log help to see why. */
export function workbenchTest(
  name: string,
  options: WorkbenchOptions,
  body: (workbench: Workbench, window: Window, step: Step) => Promise<void>,
): void {
  void test(name, { timeout: 300_000 }, async (t) => {
    const workbench = await Workbench.open(options);
    let failedStep: Error | undefined;
    const step: Step = async (title, part) => {
      await t.test(title, () =>
        part().catch(async (error: unknown) => {
          failedStep = error instanceof Error ? error : new Error(String(error));
          await tellState(title, t);
          throw error;
        }),
      );
      if (failedStep) throw failedStep;
    };
    const tellState = async (title: string, to: Pick<TestContext, 'diagnostic'>): Promise<void> => {
      for (const [index, open] of workbench.windows.entries()) {
        to.diagnostic(`screenshot: ${await open.screenshot(`failed ${title} ${index + 1}`).catch(String)}`);
        to.diagnostic(
          `it says: ${(await open.page.locator('body').innerText().catch(String)).replace(/\s*\n\s*/g, ' | ')}`,
        );
      }
      to.diagnostic(`log: ${workbench.log.slice(-2000)}`);
    };
    try {
      await body(workbench, workbench.window, step);
    } catch (error) {
      // The runner has heard of it from the step already, and fails this test for it.
      if (error === failedStep) return;
      await tellState(name, t);
      throw error;
    } finally {
      await workbench.dispose();
    }
  });
}
