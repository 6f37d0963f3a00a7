/**
 * Debug sessions of VS Code's own JavaScript debugger. Each belongs to a slot, not to a process: the master's port leads to
 * whoever serves there, and the debugger connects again when its process is gone, so it follows to the successor with all
 * breakpoints. A session ends with its server.
 */
import * as vscode from 'vscode';
import { messageOf, UserError } from '../../protocol/userError.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';

/** Marks our sessions: which slot of which server they are for. */
const MARK = '__gracefulReload';
/** Between a process that is gone and the next attempt to connect. */
const RECONNECT_MS = 200;

export interface DebugScope {
  readonly group?: string;
  readonly slot?: number;
}

export class DebugSessions implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly ownFiles: string;
  private readonly log: vscode.LogOutputChannel;
  /** By their mark. */
  private readonly sessions = new Map<string, vscode.DebugSession>();
  private readonly subscriptions: vscode.Disposable[];

  /** @param ownFiles folder of our own code, which nobody wants to step into */
  constructor(servers: Servers, ownFiles: string, log: vscode.LogOutputChannel) {
    this.servers = servers;
    this.ownFiles = ownFiles;
    this.log = log;
    this.subscriptions = [
      vscode.debug.onDidStartDebugSession((session) => {
        const mark = markOf(session);
        if (mark !== undefined) this.sessions.set(mark, session);
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        const mark = markOf(session);
        if (mark !== undefined && this.sessions.get(mark) === session) this.sessions.delete(mark);
      }),
      servers.onDidChange(() => this.endOrphans()),
    ];
  }

  /** Attaches to each worker that is meant and has no session yet. */
  async attach(session: Session, scope: DebugScope): Promise<void> {
    const { workers } = await session.request('inspect', scope);
    const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(session.entry.cwd));
    for (const { group, slot, port } of workers) {
      const place = `${group}#${slot}`;
      const mark = markFor(session, place);
      if (this.sessions.has(mark)) continue;
      const isStarted = await vscode.debug.startDebugging(folder, {
        ...this.configuration(session.entry.cwd, port),
        name: `${session.entry.name} ${place}`,
        [MARK]: mark,
      });
      if (!isStarted)
        throw new UserError(
          'internal',
          `The debugger could not attach to ${place} at port ${port}. See the Debug Console.`,
        );
    }
  }

  private configuration(cwd: string, port: number): vscode.DebugConfiguration {
    return {
      type: 'node',
      request: 'attach',
      name: '',
      address: '127.0.0.1',
      port,
      cwd,
      localRoot: cwd,
      remoteRoot: cwd,
      continueOnAttach: true,
      restart: { delay: RECONNECT_MS, maxAttempts: Number.MAX_SAFE_INTEGER },
      skipFiles: ['<node_internals>/**', `${this.ownFiles}/**`],
    };
  }

  private endOrphans(): void {
    const alive = this.servers.sessions.map((session) => markFor(session, ''));
    for (const [mark, session] of this.sessions) {
      if (alive.some((server) => mark.startsWith(server))) continue;
      this.sessions.delete(mark);
      vscode.debug.stopDebugging(session).then(undefined, (error: unknown) => this.log.warn(messageOf(error)));
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function markFor(session: Session, place: string): string {
  return `${session.entry.pid} ${place}`;
}

/** Of the session that was asked for; those of its processes are below it. */
function markOf(session: vscode.DebugSession): string | undefined {
  const mark: unknown = session.configuration[MARK];
  return typeof mark === 'string' && !session.parentSession ? mark : undefined;
}
