/** Messages to the person. Few: the view, the status bar and the diagnostics say the rest. */
import * as vscode from 'vscode';
import { isUserError, messageOf } from '../protocol/userError.ts';
import type { ErrorInfo, ReloadReport } from '../protocol/status.ts';
import { editorPath } from './paths.ts';
import type { Servers } from './servers.ts';
import type { Session } from './session.ts';
import { firstLine } from './views/format.ts';
import type { WorkspaceFolders } from './workspaceFolders.ts';
import { setting, updateSetting } from './wrappers.ts';

const showLog = 'Show Log';
const showError = 'Show Error';
const showTerminal = 'Show Terminal';
const neverAgain = "Don't Show Again";

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
    const isKnown = isUserError(error);
    this.log.error(error instanceof Error && !isKnown ? (error.stack ?? error.message) : messageOf(error));
    const text = isKnown ? error.message : `Something went wrong: ${firstLine(messageOf(error))}`;
    if ((await vscode.window.showErrorMessage(text, showLog)) === showLog) this.log.show();
  }

  /** A task of ours ended with an error of its own; the reason stands in its terminal. */
  async startFailed(name: string, exitCode: number, show: () => void): Promise<void> {
    this.log.warn(`task "${name}" ended with exit code ${exitCode}`);
    if (!setting('showNotifications')) return;
    const text = `The server "${name}" ended with exit code ${exitCode}; its terminal says why.`;
    const answer = await vscode.window.showErrorMessage(text, showTerminal, neverAgain);
    if (answer === showTerminal) show();
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
    const answer = await vscode.window.showWarningMessage(
      `Reload rejected: ${message}. The old workers serve on.`,
      ...(error.file === null ? [] : [showError]),
      showLog,
      neverAgain,
    );
    if (answer === showError) await this.openError(session, error);
    if (answer === showLog) this.log.show();
    if (answer === neverAgain) await updateSetting('showNotifications', false);
  }

  private async openError(session: Session, error: ErrorInfo): Promise<void> {
    if (error.file === null) return;
    const uri = vscode.Uri.file(editorPath(error.file, session.entry.cwd, this.folders.current));
    const position = new vscode.Position(Math.max(0, (error.line ?? 1) - 1), Math.max(0, (error.column ?? 1) - 1));
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
