/**
 * Acts on edits that only a restart picks up, as `onBootstrapEdit` says: tells of them once per series of edits (it ends
 * when nothing differs any more), or restarts by itself.
 */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { NeedsRestart } from '../../protocol/status.ts';
import type { Notifications } from '../notifications.ts';
import type { Servers } from '../servers.ts';
import type { Session, SessionSnapshot } from '../session.ts';
import { bootstrapPolicy } from '../shown.ts';
import { setting, updateSetting } from '../wrappers.ts';
import type { RestartServer } from './restartServer.ts';
import { cutByRestart, editsKey, restartNotice, takingStart } from './restartText.ts';

interface Series {
  isTold: boolean;
  /** The content that a restart was tried with. */
  tried: string;
}

export interface BootstrapEditParts {
  readonly servers: Servers;
  readonly notifications: Notifications;
  readonly restart: RestartServer;
  readonly compare: (session: Session, change: NeedsRestart) => Promise<void>;
}

export class BootstrapEdits implements vscode.Disposable {
  private readonly parts: BootstrapEditParts;
  private readonly series = new Map<string, Series>();
  private readonly subscription: vscode.Disposable;

  constructor(parts: BootstrapEditParts) {
    this.parts = parts;
    this.subscription = parts.servers.onDidChangeSnapshot((event) => this.onSnapshot(event));
  }

  private onSnapshot({ session, before }: SessionSnapshot): void {
    const changes = session.snapshot?.needsRestart ?? [];
    if (changes.length === 0) {
      this.series.delete(session.id);
      return;
    }
    const key = editsKey(changes);
    let series = this.series.get(session.id);
    if (!series) {
      // What stood before the window looked on is shown, but neither told nor acted on.
      series = before ? { isTold: false, tried: '' } : { isTold: true, tried: key };
      this.series.set(session.id, series);
    }
    const policy = bootstrapPolicy(session);
    if (policy === 'restart' && series.tried !== key) {
      series.tried = key;
      void this.restart(session, series);
    }
    if (policy === 'flag') void this.tell(session, series);
  }

  private async restart(session: Session, series: Series): Promise<void> {
    const { snapshot } = session;
    // What cuts or stops anything is for a person to decide.
    if (snapshot && (cutByRestart(snapshot) ?? takingStart(snapshot)) !== undefined) return this.tell(session, series);
    await this.parts.restart.request(session).catch((error: unknown) => this.parts.notifications.failed(error));
  }

  private async tell(session: Session, series: Series): Promise<void> {
    const { snapshot } = session;
    if (series.isTold || !snapshot || !setting('showNotifications')) return;
    series.isTold = true;
    const change = snapshot.needsRestart.find(({ changed }) => changed !== null);
    const restart = t('Restart Server');
    const compare = t('Compare');
    const neverAgain = t("Don't Show Again");
    const buttons = [restart, ...(change ? [compare] : []), neverAgain];
    const answer = await vscode.window.showWarningMessage(restartNotice(snapshot), ...buttons);
    try {
      if (answer === restart) {
        // The text has said what is cut: nobody is asked twice.
        const isAsked = session.snapshot && takingStart(session.snapshot) !== undefined;
        await (isAsked ? this.parts.restart.run(session) : this.parts.restart.request(session));
      }
      if (answer === compare && change) await this.parts.compare(session, change);
    } catch (error) {
      await this.parts.notifications.failed(error);
    }
    if (answer === neverAgain) await updateSetting('showNotifications', false);
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
