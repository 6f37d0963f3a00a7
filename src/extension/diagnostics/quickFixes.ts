/** "Restart server" and "Compare with running version" on the diagnostics that say a restart is needed. */
import * as vscode from 'vscode';
import { DIAGNOSTIC_SOURCE, type CommandId } from '../contributions.ts';
import { editorPath } from '../paths.ts';
import type { Session } from '../session.ts';
import type { Shown } from '../shown.ts';
import type { RowTarget } from '../views/row.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import { rangeOf } from './diagnostics.ts';
import { problemsOf, type Problem } from './problems.ts';

const restart: CommandId = 'gracefulReload.restart';
const compare: CommandId = 'gracefulReload.compareWithRunning';
const restartCode: Problem['code'] = 'needs-restart';

export class QuickFixes implements vscode.CodeActionProvider {
  static readonly metadata: vscode.CodeActionProviderMetadata = {
    providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
  };
  private readonly shown: Shown;
  private readonly folders: WorkspaceFolders;

  constructor(shown: Shown, folders: WorkspaceFolders) {
    this.shown = shown;
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
    const concerned = this.shown.list
      .map(({ session, snapshot }) => ({
        session,
        changes: problemsOf(snapshot)
          .filter(
            ({ place }) => editorPath(place.file, session.entry.cwd, this.folders.current) === document.uri.fsPath,
          )
          .filter(({ place }) => diagnostics.some(({ range }) => range.intersection(rangeOf(place))))
          .flatMap(({ change }) => change ?? []),
      }))
      .filter(({ changes }) => changes.length > 0);
    const nameOf = (session: Session): string => (concerned.length === 1 ? '' : ` (${session.entry.name})`);
    const fix = (title: string, command: CommandId, target: RowTarget): vscode.CodeAction => {
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.diagnostics = diagnostics;
      action.isPreferred = command === restart;
      action.command = { command, title, arguments: [target] };
      return action;
    };
    return concerned.flatMap(({ session, changes }) => [
      fix(`Restart server${nameOf(session)}`, restart, { server: session.id }),
      ...changes
        .filter(
          ({ changed }, index) =>
            changed !== null && changes.findIndex((one) => one.file === changes[index]?.file) === index,
        )
        .map(({ file }) =>
          fix(`Compare with running version${nameOf(session)}`, compare, { server: session.id, file }),
        ),
    ]);
  }
}
