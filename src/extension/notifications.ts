/** Messages to the person. Few: the view, the status bar and the diagnostics say the rest. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { isUserError, messageOf } from '../protocol/userError.ts';
import type { ReloadReport } from '../protocol/status.ts';
import type { Place } from './diagnostics/problems.ts';
import type { FailedStart } from './diagnostics/startFailures.ts';
import { editorPath } from './paths.ts';
import type { Servers } from './servers.ts';
import type { Session } from './session.ts';
import { firstLine } from './views/format.ts';
import type { WorkspaceFolders } from './workspaceFolders.ts';
import { setting, updateSetting } from './wrappers.ts';

export class Notifications implements vscode.Disposable {
  private readonly log: vscode.LogOutputChannel;
  private readonly folders: WorkspaceFolders;
  private readonly subscription: vscode.Disposable;
  /** The error that was told last, by server: one message, however often a broken file is saved. */
  private readonly told = new Map<string, string>();

  constructor(servers: Servers, folders: WorkspaceFolders, log: vscode.LogOutputChannel) {
    this.folders = folders;
    this.log = log;
    this.subscription = servers.onDidChangeSnapshot(({ session, before }) => {
      const report = session.snapshot?.lastReload;
      // Only what happens while the window looks on; an old rejection stands in the view.
      if (report && before && before.lastReload?.id !== report.id) void this.tellReload(session, report);
    });
  }

  /** A command failed: what a person can act on is shown as it is, all else goes to the log with its cause. */
  async failed(error: unknown): Promise<void> {
    const showLog = t('Show Log');
    const isKnown = isUserError(error);
    this.log.error(error instanceof Error && !isKnown ? (error.stack ?? error.message) : messageOf(error));
    const text = isKnown ? error.message : t('Something went wrong: {0}', firstLine(messageOf(error)));
    if ((await vscode.window.showErrorMessage(text, showLog)) === showLog) this.log.show();
  }

  /** A task of ours ended with an error of its own. Its terminal stays, with the reason in it. */
  async startFailed({ task, exitCode, terminal, report, problem }: FailedStart): Promise<void> {
    const ended = `"${task.name}" ended with exit code ${exitCode}`;
    this.log.warn(report ? `${ended}: ${report.message}` : ended);
    if (!setting('showNotifications')) return;
    const text = report
      ? t('"{0}" did not start: {1}', task.name, firstLine(report.message))
      : t('"{0}" ended with exit code {1}; its terminal says why.', task.name, exitCode);
    const showError = t('Show Error');
    const showTerminal = t('Show Terminal');
    const neverAgain = t("Don't Show Again");
    const buttons = [...(problem ? [showError] : []), showTerminal, neverAgain];
    const answer = await vscode.window.showErrorMessage(text, ...buttons);
    if (answer === showError && problem) await this.openPlace(problem.place, report?.cwd ?? '');
    if (answer === showTerminal) (await terminal)?.show();
    if (answer === neverAgain) await updateSetting('showNotifications', false);
  }

  private async tellReload(session: Session, report: ReloadReport): Promise<void> {
    this.log.info(`[${session.entry.name}] reload #${report.id} g${report.generation}: ${report.result}`);
    if (report.result === 'done') this.told.delete(session.id);
    const error = report.error;
    if (report.result !== 'rejected' || !error) return;
    const message = firstLine(error.message);
    this.log.warn(`[${session.entry.name}] ${error.stack ?? message}`);
    if (this.told.get(session.id) === message || !setting('showNotifications')) return;
    this.told.set(session.id, message);
    const showError = t('Show Error');
    const showLog = t('Show Log');
    const neverAgain = t("Don't Show Again");
    const answer = await vscode.window.showWarningMessage(
      t('Reload rejected: {0}. The old workers serve on.', message),
      ...(error.file === null ? [] : [showError]),
      showLog,
      neverAgain,
    );
    if (answer === showError && error.file !== null)
      await this.openPlace({ file: error.file, line: error.line ?? 1, column: error.column ?? 1 }, session.entry.cwd);
    if (answer === showLog) this.log.show();
    if (answer === neverAgain) await updateSetting('showNotifications', false);
  }

  private async openPlace({ file, line, column }: Place, cwd: string): Promise<void> {
    const uri = vscode.Uri.file(editorPath(file, cwd, this.folders.current));
    const position = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
