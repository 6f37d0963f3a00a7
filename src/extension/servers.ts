/**
 * The servers of this window: every live registry entry whose start folder has to do with the workspace has a session.
 * The registry is the truth, whoever started a server: a task here, another window, a plain terminal.
 */
import * as vscode from 'vscode';
import { listServers } from '../client/registry.ts';
import { watchRegistry } from '../client/watchRegistry.ts';
import { messageOf } from '../protocol/userError.ts';
import { concernsFolders } from './paths.ts';
import { Session, type SessionSnapshot } from './session.ts';
import type { WorkspaceFolders } from './workspaceFolders.ts';

/** An entry is written in two or three file system events; one look is enough for them. */
const SCAN_DELAY_MS = 30;

export class Servers implements vscode.Disposable {
  private readonly log: vscode.LogOutputChannel;
  private readonly folders: WorkspaceFolders;
  private readonly byPid = new Map<number, Session>();
  private readonly gone = new Set<number>();
  private readonly changed = new vscode.EventEmitter<void>();
  /** A server came or went, or the first look is done. */
  readonly onDidChange = this.changed.event;
  private readonly snapshotChanged = new vscode.EventEmitter<SessionSnapshot>();
  readonly onDidChangeSnapshot = this.snapshotChanged.event;
  private readonly connected = new vscode.EventEmitter<Session>();
  readonly onDidConnect = this.connected.event;
  private readonly subscriptions: vscode.Disposable[] = [];
  private timer: NodeJS.Timeout | undefined;
  private scanning: Promise<void> | undefined;
  private scanAgain = false;
  private disposed = false;
  private trouble: string | undefined;

  constructor(log: vscode.LogOutputChannel, folders: WorkspaceFolders) {
    this.log = log;
    this.folders = folders;
  }

  /** Why servers cannot be found, for a person; undefined when all is well. */
  get problem(): string | undefined {
    return this.trouble;
  }

  /** Those that have told their state, in the order in which they were started. */
  get sessions(): readonly Session[] {
    return [...this.byPid.values()].filter((session) => session.snapshot !== undefined);
  }

  session(id: string): Session | undefined {
    return this.sessions.find((session) => session.id === id);
  }

  /** Until a server that was told to stop is gone: an answer to that comes before its process has ended. */
  async untilGone(session: Session): Promise<void> {
    await new Promise<void>((done) => {
      const look = (): void => {
        if (this.byPid.get(session.entry.pid) === session) return;
        subscription.dispose();
        done();
      };
      const subscription = this.changed.event(look);
      look();
    });
  }

  /** Whether that process was a server here and is none any more: it is about to end, if it has not. */
  hasLeft(pid: number): boolean {
    return this.gone.has(pid);
  }

  /** Begins to watch; does file system work, so not before `activate` has returned. */
  start(): void {
    if (this.disposed || this.subscriptions.length > 0) return;
    const scan = (): void => this.scanSoon();
    this.subscriptions.push(
      new vscode.Disposable(watchRegistry(scan)),
      vscode.workspace.onDidChangeWorkspaceFolders(scan),
      // Costs one readdir, and makes up for a watch that the system dropped without a word.
      vscode.window.onDidChangeWindowState((state) => state.focused && scan()),
      vscode.tasks.onDidStartTaskProcess(scan),
      vscode.tasks.onDidEndTaskProcess(scan),
    );
    void this.scan();
  }

  scanSoon(): void {
    clearTimeout(this.timer);
    if (!this.disposed) this.timer = setTimeout(() => void this.scan(), SCAN_DELAY_MS);
  }

  /** Looks once more; a look that is under way is followed by another, since it may have missed what is asked for. */
  async scan(): Promise<void> {
    if (this.scanning) {
      this.scanAgain = true;
      return this.scanning;
    }
    this.scanning = this.scanOnce();
    try {
      await this.scanning;
    } finally {
      this.scanning = undefined;
      if (this.scanAgain) {
        this.scanAgain = false;
        this.scanSoon();
      }
    }
  }

  private async scanOnce(): Promise<void> {
    const folders = await this.folders.refresh();
    const entries = await listServers().then(
      (found) => {
        this.trouble = undefined;
        return found.filter((entry) => concernsFolders(entry.cwd, folders));
      },
      (error: unknown) => {
        if (this.trouble === undefined) this.log.error(messageOf(error));
        this.trouble = messageOf(error);
        return [];
      },
    );
    if (this.disposed) return;
    const alive = new Set(entries.map((entry) => entry.pid));
    for (const [pid, session] of this.byPid) {
      // While it is connected it lives, whatever the folder says: an entry may just be rewritten.
      if (alive.has(pid) || (session.isConnected && concernsFolders(session.entry.cwd, folders))) continue;
      this.byPid.delete(pid);
      this.gone.add(pid);
      session.dispose();
    }
    for (const entry of entries) {
      if (this.byPid.has(entry.pid)) continue;
      this.gone.delete(entry.pid);
      this.byPid.set(entry.pid, this.open(new Session(entry, this.log)));
    }
    this.changed.fire();
  }

  private open(session: Session): Session {
    session.onDidChange((event) => {
      this.snapshotChanged.fire(event);
      if (!event.before) this.changed.fire();
    });
    session.onDidConnect((one) => this.connected.fire(one));
    session.onDidLoseConnection(() => this.scanSoon());
    return session;
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const session of this.byPid.values()) session.dispose();
    this.byPid.clear();
    this.changed.dispose();
    this.snapshotChanged.dispose();
    this.connected.dispose();
  }
}
