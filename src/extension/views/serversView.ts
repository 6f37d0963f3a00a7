/** The "Workers" view: rows of all sessions as TreeItems, refreshed when rows changed and at most ten times a second. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { SERVERS_VIEW, type CommandId } from '../contributions.ts';
import { editorPath } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { Shown } from '../shown.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import { plural } from './format.ts';
import type { Row } from './row.ts';
import { RowTree, type RowNode } from './rowTree.ts';
import { serverRow } from './serverRows.ts';
import { needsAttention } from './standing.ts';
import { rowTooltip, tooltipCommands } from './tooltips.ts';

const compareCommand: CommandId = 'gracefulReload.compareWithRunning';

const REFRESH_MS = 100;
/** Ages and remaining times grow without any event. */
const AGES_MS = 10_000;

const collapsibleStates: Record<Row['fold'], vscode.TreeItemCollapsibleState> = {
  none: vscode.TreeItemCollapsibleState.None,
  closed: vscode.TreeItemCollapsibleState.Collapsed,
  open: vscode.TreeItemCollapsibleState.Expanded,
};

export class ServersView implements vscode.TreeDataProvider<RowNode>, vscode.Disposable {
  private readonly servers: Servers;
  private readonly shown: Shown;
  private readonly folders: WorkspaceFolders;
  private readonly tree = new RowTree();
  private readonly changed = new vscode.EventEmitter<RowNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<RowNode>;
  private readonly subscriptions: vscode.Disposable[];
  private pending: NodeJS.Timeout | undefined;
  private readonly ages: NodeJS.Timeout;

  constructor(servers: Servers, shown: Shown, folders: WorkspaceFolders) {
    this.servers = servers;
    this.shown = shown;
    this.folders = folders;
    this.view = vscode.window.createTreeView(SERVERS_VIEW, { treeDataProvider: this });
    this.subscriptions = [
      this.view,
      shown.onDidChange(() => this.refreshSoon()),
      this.view.onDidChangeVisibility(() => {
        this.askForFigures();
        this.refreshSoon();
      }),
      servers.onDidChange(() => this.askForFigures()),
    ];
    this.ages = setInterval(() => this.view.visible && this.refreshSoon(), AGES_MS);
  }

  /** Shows a server to someone who asked for it. */
  async reveal(serverId: string): Promise<void> {
    this.refresh();
    const node = this.tree.find(serverId);
    if (node) await this.view.reveal(node, { select: true, focus: false, expand: true });
  }

  private askForFigures(): void {
    for (const session of this.servers.sessions) session.showFigures(this.view.visible);
  }

  private refreshSoon(): void {
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      this.updateBadge();
      // Where nobody looks only servers that come and go are told; becoming visible asks for the rest.
      if (this.view.visible || this.tree.roots.length !== this.servers.sessions.length) this.refresh();
    }, REFRESH_MS);
  }

  private refresh(): void {
    const refresh = this.tree.update(this.rows());
    if (refresh === 'all') this.changed.fire(undefined);
    else if (refresh.length > 0) this.changed.fire([...refresh]);
    if (this.view.message !== this.servers.problem) this.view.message = this.servers.problem;
  }

  private rows(): Row[] {
    const now = Date.now();
    return this.servers.sessions.map((session) => serverRow(session.id, session.snapshot!, now));
  }

  private updateBadge(): void {
    const count = this.shown.list.filter(({ snapshot }) => needsAttention(snapshot)).length;
    if (count === (this.view.badge?.value ?? 0)) return;
    const tooltip = t('{0} with something to look at', plural(count, 'server'));
    this.view.badge = count === 0 ? undefined : { value: count, tooltip };
  }

  getChildren(node?: RowNode): RowNode[] {
    if (node) return [...node.children];
    // Who asks for the first level has forgotten all rows, or never had any, whatever was told before.
    this.tree.update(this.rows());
    return [...this.tree.roots];
  }

  getParent(node: RowNode): RowNode | undefined {
    return node.parent;
  }

  getTreeItem({ row }: RowNode): vscode.TreeItem {
    const item = new vscode.TreeItem(row.label, collapsibleStates[row.fold]);
    item.id = row.id;
    item.description = row.description;
    item.contextValue = row.contextValue;
    item.accessibilityInformation = { label: row.spoken };
    const color = row.icon.color === undefined ? undefined : new vscode.ThemeColor(row.icon.color);
    item.iconPath = new vscode.ThemeIcon(row.icon.id, color);
    const open = this.openCommand(row);
    if (open) item.command = open;
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, { row }: RowNode): vscode.TreeItem {
    const snapshot = this.servers.session(row.target.server)?.snapshot;
    const text = snapshot && rowTooltip(row, snapshot);
    if (text !== undefined) {
      const tooltip = new vscode.MarkdownString(text);
      tooltip.isTrusted = { enabledCommands: tooltipCommands };
      item.tooltip = tooltip;
    }
    return item;
  }

  private openCommand(row: Row): vscode.Command | undefined {
    const session = this.servers.session(row.target.server);
    if (row.target.file !== undefined && !row.place)
      return { command: compareCommand, title: t('Compare'), arguments: [row.target] };
    if (!row.place || !session) return undefined;
    const uri = vscode.Uri.file(editorPath(row.place.file, session.entry.cwd, this.folders.current));
    const position = new vscode.Position(row.place.line - 1, row.place.column - 1);
    const options: vscode.TextDocumentShowOptions = { selection: new vscode.Range(position, position) };
    return { command: 'vscode.open', title: t('Open'), arguments: [uri, options] };
  }

  dispose(): void {
    clearTimeout(this.pending);
    clearInterval(this.ages);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }
}
