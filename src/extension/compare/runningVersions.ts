/**
 * The text that a server runs of a file that was edited since, as a document that VS Code can compare with. It is asked of
 * the master when it is shown; a server that has ended leaves what was shown last.
 */
import { t } from '@vscode/l10n';
import { resolve } from 'node:path';
import * as vscode from 'vscode';
import { RUNNING_SCHEME } from '../contributions.ts';
import { UserError } from '../../protocol/userError.ts';
import type { NeedsRestart } from '../../protocol/status.ts';
import { editorPath } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { Session, SessionSnapshot } from '../session.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';

/** In the query of the address; `gone` stands for the other side of the comparison when the file was deleted. */
interface Source {
  readonly server: string;
  /** Absolute, as the server knows it. */
  readonly file: string;
  readonly gone?: true;
}

export class RunningVersions implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly servers: Servers;
  private readonly folders: WorkspaceFolders;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly subscription: vscode.Disposable;
  private readonly last = new Map<string, string>();

  constructor(servers: Servers, folders: WorkspaceFolders) {
    this.servers = servers;
    this.folders = folders;
    this.subscription = servers.onDidChangeSnapshot((event) => this.onSnapshot(event));
  }

  /** Opens the comparison of what runs with what is on disk. */
  async compare(session: Session, { file, digest }: NeedsRestart): Promise<void> {
    const path = editorPath(file, session.entry.cwd, this.folders.current);
    const source: Source = { server: session.id, file: resolve(session.entry.cwd, file) };
    const running = addressOf(path, source);
    const { text } = await session.request('runningText', { file: source.file });
    if (text === null)
      throw new UserError('usage', t('{0} has not kept the text of {1} that it runs.', session.entry.name, file));
    this.last.set(running.toString(), text);
    const isGone = digest === null;
    const now = isGone ? addressOf(path, { ...source, gone: true }) : vscode.Uri.file(path);
    const title = isGone
      ? t('{0} (running in {1} ↔ deleted)', file, session.entry.name)
      : t('{0} (running in {1} ↔ on disk)', file, session.entry.name);
    await vscode.commands.executeCommand('vscode.diff', running, now, title);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { server, file, gone } = JSON.parse(uri.query) as Source;
    if (gone) return '';
    const session = this.servers.session(server);
    const answer = await session?.request('runningText', { file }).catch(() => undefined);
    const text = answer?.text ?? this.last.get(uri.toString()) ?? '';
    this.last.set(uri.toString(), text);
    return text;
  }

  /** After a reload or a restart another text may run. */
  private onSnapshot({ session, before }: SessionSnapshot): void {
    const now = session.snapshot;
    if (before && before.pid === now?.pid && before.lastReload?.id === now.lastReload?.id) return;
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === RUNNING_SCHEME && (JSON.parse(uri.query) as Source).server === session.id)
        this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }
}

/** With the path of the file, so that it gets its language and its name. */
function addressOf(path: string, source: Source): vscode.Uri {
  return vscode.Uri.file(path).with({ scheme: RUNNING_SCHEME, query: JSON.stringify(source) });
}
