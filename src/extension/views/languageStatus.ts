/** The language status item of the active editor: which groups run the file, and what saving it would do. */
import { t } from '@vscode/l10n';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { isWithin } from '../../platform/within.ts';
import { EXTENSION_NAME, LANGUAGE_STATUS_ITEM, SERVERS_VIEW, type CommandId } from '../contributions.ts';
import { globOf } from '../paths.ts';
import type { Shown } from '../shown.ts';
import { fileStatus, type FileMeaning, type FileStatus } from './fileStatus.ts';
import { waitsFor } from './standing.ts';

/** Snapshots come in bursts; the question costs the master a walk over what its workers loaded. */
const ASK_DELAY_MS = 150;
const restart: CommandId = 'gracefulReload.restart';

export class LanguageStatus implements vscode.Disposable {
  private readonly shown: Shown;
  private readonly subscriptions: vscode.Disposable[];
  private item: vscode.LanguageStatusItem | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** What the last question was about: the same is not asked again. */
  private asked = '';

  constructor(shown: Shown) {
    this.shown = shown;
    this.subscriptions = [
      shown.onDidChange(() => this.askSoon()),
      vscode.window.onDidChangeActiveTextEditor(() => this.askSoon()),
    ];
    this.askSoon();
  }

  private askSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.ask();
    }, ASK_DELAY_MS);
  }

  private async ask(): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const servers = this.shown.list;
    const question = JSON.stringify([
      uri?.toString(),
      // What a process loaded is known anew after a reload; figures make no difference.
      servers.map(({ session, snapshot }) => [
        session.id,
        snapshot.state,
        waitsFor(snapshot),
        snapshot.lastReload?.id,
        snapshot.needsRestart.map(({ file }) => file),
        snapshot.groups.map(({ workers }) => workers.map(({ pid, state }) => [pid, state])),
      ]),
    ]);
    if (question === this.asked) return;
    this.asked = question;
    const path = uri?.scheme === 'file' ? uri.fsPath : undefined;
    const status = path === undefined ? undefined : fileStatus(await this.meanings(path));
    // Another question has been asked meanwhile.
    if (this.asked === question) this.show(path, status);
  }

  private async meanings(path: string): Promise<FileMeaning[]> {
    const file = await realpath(path).catch(() => path);
    const answers = this.shown.list.map(async ({ session, snapshot }): Promise<FileMeaning | undefined> => {
      const explanation = await session.request('explain', { file }).catch(() => undefined);
      if (!explanation || (explanation.verdict === 'none' && !isWithin(file, session.entry.cwd))) return undefined;
      const needsRestart = snapshot.needsRestart.some((change) => change.file === explanation.file);
      return {
        serverId: session.id,
        server: session.entry.name,
        explanation,
        needsRestart,
        waitsFor: waitsFor(snapshot),
      };
    });
    return (await Promise.all(answers)).filter((meaning) => meaning !== undefined);
  }

  private show(path: string | undefined, status: FileStatus | undefined): void {
    if (path === undefined || !status) {
      this.item?.dispose();
      this.item = undefined;
      return;
    }
    const selector = {
      scheme: 'file',
      pattern: new vscode.RelativePattern(vscode.Uri.file(dirname(path)), globOf(basename(path))),
    };
    this.item ??= vscode.languages.createLanguageStatusItem(LANGUAGE_STATUS_ITEM, selector);
    this.item.name = EXTENSION_NAME;
    this.item.selector = selector;
    this.item.text = status.text;
    this.item.detail = status.detail;
    this.item.severity = status.isWarning
      ? vscode.LanguageStatusSeverity.Warning
      : vscode.LanguageStatusSeverity.Information;
    this.item.accessibilityInformation = { label: status.spoken };
    this.item.command =
      status.restart === undefined
        ? { command: `${SERVERS_VIEW}.focus`, title: t('Show Workers') }
        : { command: restart, title: t('Restart Server'), arguments: [status.restart] };
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item?.dispose();
  }
}
