/** "Restart server" on the diagnostics that say a restart is needed. */
import * as vscode from 'vscode';
import { DIAGNOSTIC_SOURCE, type CommandId } from '../contributions.ts';
import { editorPath } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import type { Problem } from './problems.ts';

const restart: CommandId = 'gracefulReload.restart';
const restartCode: Problem['code'] = 'needs-restart';

export class QuickFixes implements vscode.CodeActionProvider {
  static readonly metadata: vscode.CodeActionProviderMetadata = {
    providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
  };
  private readonly servers: Servers;
  private readonly folders: WorkspaceFolders;

  constructor(servers: Servers, folders: WorkspaceFolders) {
    this.servers = servers;
    this.folders = folders;
  }

  provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const diagnostics = context.diagnostics.filter(
      (diagnostic) => diagnostic.source === DIAGNOSTIC_SOURCE && diagnostic.code === restartCode,
    );
    if (diagnostics.length === 0) return [];
    const sessions = this.servers.sessions.filter((session) => this.waitsFor(session, document.uri.fsPath));
    return sessions.map((session) => {
      const title = sessions.length === 1 ? 'Restart server' : `Restart server ${session.entry.name}`;
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.diagnostics = diagnostics;
      action.isPreferred = true;
      action.command = { command: restart, title, arguments: [session.id] };
      return action;
    });
  }

  private waitsFor(session: Session, path: string): boolean {
    const changes = session.snapshot?.needsRestart ?? [];
    return changes.some((change) => editorPath(change.file, session.entry.cwd, this.folders.current) === path);
  }
}
