/** What detection found in the workspace's folders, kept until a file that matters comes, goes or changes. */
import * as vscode from 'vscode';
import { detectAll, DETECTION_FILES, type DetectedServer } from '../../detect/detect.ts';
import { diskFolder } from '../../detect/folder.ts';

/** Scripts lead into the packages of a workspace too. */
const WATCHED = `{${DETECTION_FILES.join(',')},*/package.json,*/*/package.json}`;
/** Files whose content says something, not only their being there. */
const READ = /\/(package\.json|pnpm-workspace\.yaml|nodemon\.json|nest-cli\.json)$/;

export interface ServerInFolder {
  readonly folder: vscode.WorkspaceFolder;
  readonly server: DetectedServer;
}

export class DetectedServers implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private watchers: vscode.Disposable[] = [];
  private readonly subscription: vscode.Disposable;
  private found: readonly ServerInFolder[] | undefined;

  constructor() {
    this.subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      this.unwatch();
      this.forget();
    });
  }

  list(): readonly ServerInFolder[] {
    if (this.watchers.length === 0) this.watch();
    this.found ??= this.look();
    return this.found;
  }

  private look(): ServerInFolder[] {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    return folders.flatMap((folder) => detectAll(diskFolder(folder.uri.fsPath)).map((server) => ({ folder, server })));
  }

  private watch(): void {
    this.watchers = (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, WATCHED));
      const forget = (): void => this.forget();
      const onChange = watcher.onDidChange((uri) => READ.test(uri.path) && forget());
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
