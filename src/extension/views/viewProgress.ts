/** The progress bar of the view: runs as long as some server starts, reloads or stops, whoever asked for it. */
import * as vscode from 'vscode';
import { SERVERS_VIEW } from '../contributions.ts';
import type { Shown } from '../shown.ts';
import { isBusy } from './standing.ts';

export class ViewProgress implements vscode.Disposable {
  private readonly subscription: vscode.Disposable;
  private end: (() => void) | undefined;

  constructor(shown: Shown) {
    this.subscription = shown.onDidChange(() => this.show(shown.list.some(({ snapshot }) => isBusy(snapshot))));
  }

  private show(isOn: boolean): void {
    if (!isOn) {
      this.end?.();
      this.end = undefined;
    } else if (!this.end) {
      const over = new Promise<void>((done) => (this.end = done));
      void vscode.window.withProgress({ location: { viewId: SERVERS_VIEW } }, () => over);
    }
  }

  dispose(): void {
    this.show(false);
    this.subscription.dispose();
  }
}
