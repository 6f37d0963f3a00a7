import * as vscode from 'vscode';
import { EXTENSION_NAME, SERVERS_VIEW, STATUS_BAR_ITEM } from '../contributions.ts';
import { statusCommands, statusOf, type ServerSnapshot, type Severity, type StatusText } from './statusText.ts';

/** Left of the middle, where VS Code's own items for running things are. */
const PRIORITY = 40;

const backgrounds: Record<Severity, vscode.ThemeColor | undefined> = {
  none: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
};

export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private shown: StatusText | undefined;

  constructor() {
    this.item = vscode.window.createStatusBarItem(STATUS_BAR_ITEM, vscode.StatusBarAlignment.Left, PRIORITY);
    this.item.name = EXTENSION_NAME;
    this.item.command = `${SERVERS_VIEW}.focus`;
  }

  show(servers: readonly ServerSnapshot[]): void {
    const status = statusOf(servers);
    if (!status) this.item.hide();
    // Setting an equal text restarts the spinner, and a new tooltip closes the one that is open.
    else if (JSON.stringify(status) !== JSON.stringify(this.shown)) this.set(status);
    if (status && !this.shown) this.item.show();
    this.shown = status;
  }

  private set(status: StatusText): void {
    if (status.text !== this.shown?.text) this.item.text = status.text;
    this.item.backgroundColor = backgrounds[status.severity];
    this.item.accessibilityInformation = { label: status.spoken };
    if (status.tooltip === this.shown?.tooltip) return;
    const tooltip = new vscode.MarkdownString(status.tooltip, true);
    tooltip.isTrusted = { enabledCommands: statusCommands };
    this.item.tooltip = tooltip;
  }

  dispose(): void {
    this.item.dispose();
  }
}
