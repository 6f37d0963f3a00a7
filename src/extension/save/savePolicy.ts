/**
 * Tells every server which changes may act by themselves: the setting, and the files that stand open here. Under
 * `manualSave` a change to one of those waits for this window's verdict, however the file system hears of it first.
 */
import * as vscode from 'vscode';
import type { ControlMethod, ControlParams } from '../../protocol/control.ts';
import type { ReloadOn } from '../../protocol/status.ts';
import { messageOf } from '../../protocol/userError.ts';
import { realPath } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import { affectsSetting, setting } from '../wrappers.ts';

/** What the master takes; a window with more tabs has other troubles. */
const MOST_FILES = 5000;

export class SavePolicy implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly log: vscode.LogOutputChannel;
  /** What a server was told last: a setting that comes to the same is no new word, and most changes of tabs open no file. */
  private readonly saidReloadOn = new WeakMap<Session, ReloadOn>();
  private open: readonly string[] = [];
  private looks = 0;
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers, log: vscode.LogOutputChannel) {
    this.servers = servers;
    this.log = log;
    this.subscriptions = [
      servers.onDidConnect((session) => {
        this.tellReloadOn(session, false);
        void this.lookAtTabs(session);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (affectsSetting(event, 'reloadOn')) for (const session of servers.sessions) this.tellReloadOn(session, true);
      }),
      vscode.window.tabGroups.onDidChangeTabs(() => void this.lookAtTabs()),
    ];
  }

  /** @param isLastWord the person has just decided so, against what the server was started with */
  private tellReloadOn(session: Session, isLastWord: boolean): void {
    const reloadOn = setting('reloadOn', vscode.Uri.file(session.entry.cwd));
    if (isLastWord && this.saidReloadOn.get(session) === reloadOn) return;
    this.saidReloadOn.set(session, reloadOn);
    this.tell(session, 'reloadOn', { reloadOn, lastWord: isLastWord });
  }

  /** @param newcomer knows nothing yet; the others only hear of what is news */
  private async lookAtTabs(newcomer?: Session): Promise<void> {
    if (newcomer) this.tell(newcomer, 'openFiles', { files: [...this.open] });
    const look = ++this.looks;
    const files = await Promise.all([...new Set(openPaths())].slice(0, MOST_FILES).map(realPath));
    if (look !== this.looks || files.join('\0') === this.open.join('\0')) return;
    this.open = files;
    for (const session of this.servers.sessions) this.tell(session, 'openFiles', { files });
  }

  private tell<M extends ControlMethod>(session: Session, method: M, params: ControlParams<M>): void {
    if (!session.isConnected) return; // Hears of it when it is connected again.
    session.request(method, params).catch((error: unknown) => {
      this.log.debug(`[${session.entry.name}] was not told ${method}: ${messageOf(error)}`);
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** Of all texts that a person could save here, the right side of a comparison among them. */
function openPaths(): string[] {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs.map(({ input }) => input))
    .flatMap((input) => {
      if (input instanceof vscode.TabInputText) return [input.uri];
      return input instanceof vscode.TabInputTextDiff ? [input.modified] : [];
    })
    .filter(({ scheme }) => scheme === 'file')
    .map(({ fsPath }) => fsPath);
}
