/** The history page of a server: a web view that draws its timeline and is told when there is something new. */
import * as vscode from 'vscode';
import { t } from '@vscode/l10n';
import type { WorkerLife } from '../../protocol/status.ts';
import { HISTORY_PAGE } from '../contributions.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import { timelineOf } from './timeline.ts';

/** Snapshots come in bursts, and each is worth a question to the master. */
const UPDATE_MS = 250;

export class HistoryPages implements vscode.WebviewPanelSerializer, vscode.Disposable {
  private readonly extension: vscode.Uri;
  private readonly servers: Servers;
  private readonly pages = new Map<string, Page>();

  constructor(extension: vscode.Uri, servers: Servers) {
    this.extension = extension;
    this.servers = servers;
  }

  show({ id, entry }: Session): void {
    const open = this.pages.get(id);
    if (open) {
      open.panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      HISTORY_PAGE,
      t('History of {0}', entry.name),
      vscode.ViewColumn.Active,
      this.options,
    );
    this.fill(panel, id);
  }

  /** After a window reload; the server may be found a moment later. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const id = (state as { server?: unknown } | null)?.server;
    panel.webview.options = this.options;
    if (typeof id === 'string') this.fill(panel, id);
    else panel.dispose();
    return Promise.resolve();
  }

  private get options(): vscode.WebviewOptions {
    return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(this.extension, 'media')] };
  }

  private fill(panel: vscode.WebviewPanel, id: string): void {
    const media = (name: string): string =>
      panel.webview.asWebviewUri(vscode.Uri.joinPath(this.extension, 'media', name)).toString();
    // Unlike the icon of the view, one of a tab is drawn as it is.
    const icon = (theme: string): vscode.Uri => vscode.Uri.joinPath(this.extension, 'media', `history-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    const page = new Page(panel, id, this.servers);
    this.pages.set(id, page);
    panel.onDidDispose(() => {
      page.dispose();
      this.pages.delete(id);
    });
    const source = panel.webview.cspSource;
    // No inline script and no inline style: what the page shows comes as data.
    panel.webview.html = `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${source}; script-src ${source}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${media('history.css')}">
</head>
<body><main id="page"></main><script type="module" src="${media('history.js')}"></script></body>
</html>`;
  }

  dispose(): void {
    for (const { panel } of [...this.pages.values()]) panel.dispose();
  }
}

class Page implements vscode.Disposable {
  readonly panel: vscode.WebviewPanel;
  private readonly id: string;
  private readonly servers: Servers;
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;
  /** Of the server as it was last seen: a stopped one keeps its past on the page. */
  private lives: readonly WorkerLife[] = [];
  private last: Session['snapshot'];
  private told = '';

  constructor(panel: vscode.WebviewPanel, id: string, servers: Servers) {
    this.panel = panel;
    this.id = id;
    this.servers = servers;
    this.subscriptions = [
      servers.onDidChange(() => this.updateSoon()),
      servers.onDidChangeSnapshot(({ session }) => session.id === id && this.updateSoon()),
      // The page says that it is there, at first and whenever it was hidden.
      panel.webview.onDidReceiveMessage(() => {
        this.told = '';
        void this.update();
      }),
    ];
  }

  private updateSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.update();
    }, UPDATE_MS);
  }

  private async update(): Promise<void> {
    if (!this.panel.visible) return;
    const session = this.servers.session(this.id);
    // Figures make no difference here.
    const state = JSON.stringify(session?.snapshot && [session.snapshot.reloads, states(session.snapshot)]);
    if (state === this.told) return;
    this.told = state;
    if (session?.snapshot) {
      this.last = session.snapshot;
      this.lives = await session.request('history', {}).then(
        ({ lives }) => lives,
        () => this.lives,
      );
    }
    if (!this.last) return;
    const timeline = timelineOf(this.last, this.lives, session !== undefined, Date.now());
    await this.panel.webview.postMessage({ server: this.id, timeline });
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function states({ state, groups }: NonNullable<Session['snapshot']>): unknown {
  return [state, groups.map(({ workers }) => workers.map((worker) => [worker.slot, worker.pid, worker.state]))];
}
