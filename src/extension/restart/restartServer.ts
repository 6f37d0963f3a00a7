/** The Restart command: says what it will cut, and asks, before it does. */
import * as vscode from 'vscode';
import type { ReloadReport } from '../../protocol/status.ts';
import { UserError } from '../../protocol/userError.ts';
import type { Session } from '../session.ts';
import { cutByRestart } from './restartText.ts';

const restart = 'Restart Server';

/** @returns undefined when the person took it back */
export async function restartServer(session: Session): Promise<ReloadReport | undefined> {
  const cut = session.snapshot && cutByRestart(session.snapshot);
  if (cut !== undefined) {
    const question = { modal: true, detail: `This cuts ${cut}. Groups that reload lose nothing.` };
    const answer = await vscode.window.showWarningMessage(`Restart ${session.entry.name}?`, question, restart);
    if (answer !== restart) return undefined;
  }
  return requestRestart(session);
}

/** A rejected restart tells itself through the snapshot, with its place, unless it never became one. */
export async function requestRestart(session: Session): Promise<ReloadReport> {
  const report = await session.request('restart', {});
  if (report.result === 'stopped' && report.error) throw new UserError('bootstrap-error', report.error.message);
  return report;
}
