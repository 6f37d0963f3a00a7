/** What detection found in the workspace's folders, kept until a file that matters comes, goes or changes. */
import * as vscode from 'vscode';
import { detectServers, DETECTION_GLOB, type DetectedServer } from './detect.ts';

export interface ServerInFolder {
  readonly folder: vscode.WorkspaceFolder;
  readonly server: DetectedServer;
}

export class DetectedServers implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private watchers: vscode.Disposable[] = [];
  private readonly subscription: vscode.Disposable;
  private found: Promise<ServerInFolder[]> | undefined;

  constructor() {
    this.subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      this.unwatch();
      this.forget();
    });
  }

  async list(): Promise<readonly ServerInFolder[]> {
    if (this.watchers.length === 0) this.watch();
    this.found ??= this.look();
    return this.found;
  }

  private async look(): Promise<ServerInFolder[]> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    const lists = await Promise.all(
      folders.map(async (folder) => (await detectServers(folder.uri.fsPath)).map((server) => ({ folder, server }))),
    );
    return lists.flat();
  }

  private watch(): void {
    this.watchers = (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, DETECTION_GLOB));
      const forget = (): void => this.forget();
      const onChange = watcher.onDidChange((uri) => uri.path.endsWith('/package.json') && forget());
      return [watcher, watcher.onDidCreate(forget), watcher.onDidDelete(forget), onChange];
    });
  }

  private unwatch(): void {
    for (const watcher of this.watchers) watcher.dispose();
    this.watchers = [];
  }

  private forget(): void {
    this.found = undefined;
    this.changed.fire();
  }

  dispose(): void {
    this.unwatch();
    this.subscription.dispose();
    this.changed.dispose();
  }
}
