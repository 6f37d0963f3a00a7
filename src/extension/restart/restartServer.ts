/** The Restart command: says what it will cut, and asks, before it does. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { ReloadReport } from '../../protocol/status.ts';
import { UserError } from '../../protocol/userError.ts';
import type { Session } from '../session.ts';
import { cutByRestart } from './restartText.ts';

/** @returns undefined when the person took it back */
export async function restartServer(session: Session): Promise<ReloadReport | undefined> {
  const cut = session.snapshot && cutByRestart(session.snapshot);
  if (cut !== undefined) {
    const restart = t('Restart Server');
    const question = { modal: true, detail: t('This cuts {0}. Groups that reload lose nothing.', cut) };
    const answer = await vscode.window.showWarningMessage(t('Restart {0}?', session.entry.name), question, restart);
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
