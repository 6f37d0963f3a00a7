/** "Restart server" and "Compare with running version" on the diagnostics that say a restart is needed. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { DIAGNOSTIC_SOURCE, type CommandId } from '../contributions.ts';
import type { NeedsRestart, Snapshot } from '../../protocol/status.ts';
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
      .map(({ session, snapshot }) => ({ session, changes: this.changesAt(document, diagnostics, session, snapshot) }))
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
      fix(`${t('Restart server')}${nameOf(session)}`, restart, { server: session.id }),
      ...changes
        .filter(({ changed }) => changed !== null)
        .map(({ file }) =>
          fix(`${t('Compare with running version')}${nameOf(session)}`, compare, { server: session.id, file }),
        ),
    ]);
  }

  /** The edits that these diagnostics are about, each once. While the document is edited its lines may have moved. */
  private changesAt(
    document: vscode.TextDocument,
    diagnostics: readonly vscode.Diagnostic[],
    session: Session,
    snapshot: Snapshot,
  ): NeedsRestart[] {
    const here = problemsOf(snapshot).filter(
      ({ place, change }) =>
        change && editorPath(place.file, session.entry.cwd, this.folders.current) === document.uri.fsPath,
    );
    const hit = here.filter(({ place }) => diagnostics.some(({ range }) => range.intersection(rangeOf(place))));
    const changes = (hit.length > 0 ? hit : here).flatMap(({ change }) => change ?? []);
    return [...new Map(changes.map((change) => [change.file, change])).values()];
  }
}
