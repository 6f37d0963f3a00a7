/**
 * Tells every server about a save at once, with how it came about; whether it matters the master decides, by content.
 * It is announced as well: the file system often tells the master first, and the save is no less the editor's for that.
 */
import * as vscode from 'vscode';
import { messageOf } from '../../protocol/userError.ts';
import { realPath } from '../paths.ts';
import type { Servers } from '../servers.ts';

export class Saves implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly log: vscode.LogOutputChannel;
  /** Only the event before a save tells its reason. */
  private readonly manual = new WeakMap<vscode.TextDocument, boolean>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers, log: vscode.LogOutputChannel) {
    this.servers = servers;
    this.log = log;
    this.subscriptions = [
      vscode.workspace.onWillSaveTextDocument(({ document, reason }) => {
        this.manual.set(document, reason === vscode.TextDocumentSaveReason.Manual);
        void this.tell('saving', document);
      }),
      vscode.workspace.onDidSaveTextDocument((document) => void this.tell('saved', document)),
    ];
  }

  private async tell(what: 'saving' | 'saved', document: vscode.TextDocument): Promise<void> {
    const sessions = this.servers.sessions;
    if (document.uri.scheme !== 'file' || sessions.length === 0) return;
    const file = await realPath(document.uri.fsPath);
    // A save that nobody announced was made by an extension on a person's behalf.
    const manual = this.manual.get(document) ?? true;
    await Promise.all(
      sessions.map(async (session) => {
        try {
          await session.request(what, { file, manual });
        } catch (error) {
          this.log.debug(`[${session.entry.name}] was not told of ${file}: ${messageOf(error)}`);
        }
      }),
    );
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
