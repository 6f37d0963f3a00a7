/** A badge on files that need a restart, wherever VS Code names them: explorer, tabs, lists. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { editorPath } from '../paths.ts';
import type { Shown } from '../shown.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';

export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly shown: Shown;
  private readonly folders: WorkspaceFolders;
  private readonly changed = new vscode.EventEmitter<vscode.Uri[]>();
  readonly onDidChangeFileDecorations = this.changed.event;
  private readonly subscription: vscode.Disposable;
  /** Names of servers by the file's address. */
  private marked = new Map<string, string>();

  constructor(shown: Shown, folders: WorkspaceFolders) {
    this.shown = shown;
    this.folders = folders;
    this.subscription = shown.onDidChange(() => this.update());
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const servers = this.marked.get(uri.toString());
    if (servers === undefined) return undefined;
    const tooltip = t('Changed since {0} started: needs a restart', servers);
    return new vscode.FileDecoration('↻', tooltip, new vscode.ThemeColor('list.warningForeground'));
  }

  private update(): void {
    const marked = new Map<string, string>();
    for (const { session, snapshot } of this.shown.list) {
      for (const { file } of snapshot.needsRestart) {
        const uri = vscode.Uri.file(editorPath(file, session.entry.cwd, this.folders.current)).toString();
        const others = marked.get(uri);
        marked.set(uri, others === undefined ? snapshot.name : `${others}, ${snapshot.name}`);
      }
    }
    const before = this.marked;
    this.marked = marked;
    const uris = [...new Set([...before.keys(), ...marked.keys()])];
    const different = uris.filter((uri) => before.get(uri) !== marked.get(uri));
    if (different.length > 0) this.changed.fire(different.map((uri) => vscode.Uri.parse(uri)));
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }
}
