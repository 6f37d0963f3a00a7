/** Problems of all sessions and of failed starts in the editor. What a snapshot no longer says is gone with that snapshot. */
import * as vscode from 'vscode';
import { DIAGNOSTIC_SOURCE } from '../contributions.ts';
import { editorPath } from '../paths.ts';
import type { Shown } from '../shown.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import { problemsOf, type Place, type Problem } from './problems.ts';
import type { StartFailures } from './startFailures.ts';

export class Diagnostics implements vscode.Disposable {
  private readonly shownServers: Shown;
  private readonly folders: WorkspaceFolders;
  private readonly failures: StartFailures;
  private readonly collection = vscode.languages.createDiagnosticCollection(DIAGNOSTIC_SOURCE);
  private readonly subscriptions: vscode.Disposable[];
  /** What the collection shows, as text: figures change every second, problems hardly ever. */
  private shown = '[]';

  constructor(shown: Shown, folders: WorkspaceFolders, failures: StartFailures) {
    this.shownServers = shown;
    this.folders = folders;
    this.failures = failures;
    const update = (): void => this.update();
    this.subscriptions = [shown.onDidChange(update), failures.onDidChange(update)];
  }

  private update(): void {
    const ofServers = this.shownServers.list.map(({ session, snapshot }) => ({
      cwd: session.entry.cwd,
      problems: problemsOf(snapshot),
    }));
    const found = [...ofServers, ...this.failures.list];
    const text = JSON.stringify(found);
    if (text === this.shown) return;
    this.shown = text;
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const { cwd, problems } of found) {
      for (const problem of problems) {
        const uri = this.uriOf(problem.place, cwd).toString();
        byFile.set(uri, [...(byFile.get(uri) ?? []), this.diagnosticOf(problem, cwd)]);
      }
    }
    this.collection.clear();
    this.collection.set([...byFile].map(([uri, diagnostics]) => [vscode.Uri.parse(uri), diagnostics]));
  }

  private diagnosticOf(problem: Problem, cwd: string): vscode.Diagnostic {
    const severity = problem.severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
    const diagnostic = new vscode.Diagnostic(rangeOf(problem.place), problem.message, severity);
    diagnostic.source = DIAGNOSTIC_SOURCE;
    diagnostic.code = problem.code;
    diagnostic.relatedInformation = problem.related.map(
      ({ message, place }) =>
        new vscode.DiagnosticRelatedInformation(new vscode.Location(this.uriOf(place, cwd), rangeOf(place)), message),
    );
    return diagnostic;
  }

  private uriOf(place: Place, cwd: string): vscode.Uri {
    return vscode.Uri.file(editorPath(place.file, cwd, this.folders.current));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.collection.dispose();
  }
}

/** To the end of the line: an error tells where it begins, never where it ends. */
export function rangeOf(place: Place): vscode.Range {
  const line = Math.max(0, place.line - 1);
  const lastLine = Math.max(line, (place.lastLine ?? place.line) - 1);
  return new vscode.Range(line, Math.max(0, place.column - 1), lastLine, Number.MAX_SAFE_INTEGER);
}
