/**
 * Debug sessions of VS Code's own JavaScript debugger. Each belongs to a slot, not to a process: the master's port leads to
 * whoever serves there, and the debugger connects again when its process is gone, so it follows to the successor with all
 * breakpoints. A session ends with its server.
 */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { messageOf, UserError } from '../../protocol/userError.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';

/** Between a process that is gone and the next attempt to connect. */
const RECONNECT_MS = 200;

export interface DebugScope {
  readonly group?: string;
  readonly slot?: number;
}

export interface DebugPort {
  readonly group: string;
  readonly slot: number;
  readonly port: number;
}

export class DebugSessions implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly ownFiles: string;
  private readonly log: vscode.LogOutputChannel;
  /** The place in a server to which a port leads, by the port: those that were asked for in this window. */
  private readonly places = new Map<number, string>();
  /** By their place: those started here, and those of a launch configuration that asked for the port. */
  private readonly sessions = new Map<string, vscode.DebugSession>();
  private readonly subscriptions: vscode.Disposable[];

  /** @param ownFiles folder of our own code, which nobody wants to step into */
  constructor(servers: Servers, ownFiles: string, log: vscode.LogOutputChannel) {
    this.servers = servers;
    this.ownFiles = ownFiles;
    this.log = log;
    this.subscriptions = [
      vscode.debug.onDidStartDebugSession((session) => {
        const place = this.placeOf(session);
        if (place !== undefined) this.sessions.set(place, session);
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        for (const [place, known] of this.sessions) if (known === session) this.sessions.delete(place);
      }),
      servers.onDidChange(() => this.endOrphans()),
    ];
  }

  /** The ports at which debuggers reach the workers that are meant; opens what is not open. */
  async ports(session: Session, scope: DebugScope): Promise<readonly DebugPort[]> {
    const { workers } = await session.request('inspect', scope);
    for (const { group, slot, port } of workers) this.places.set(port, placeIn(session, `${group}#${slot}`));
    return workers;
  }

  /** Attaches to each worker that is meant and has no session yet. */
  async attach(session: Session, scope: DebugScope): Promise<void> {
    const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(session.entry.cwd));
    for (const { group, slot, port } of await this.ports(session, scope)) {
      const worker = `${group}#${slot}`;
      if (this.sessions.has(placeIn(session, worker))) continue;
      const name = `${session.entry.name} ${worker}`;
      if (!(await vscode.debug.startDebugging(folder, this.configuration(name, session.entry.cwd, port))))
        throw new UserError(
          'internal',
          t('The debugger could not attach to {0} at port {1}. See the Debug Console.', worker, port),
        );
    }
  }

  private configuration(name: string, cwd: string, port: number): vscode.DebugConfiguration {
    return {
      type: 'node',
      request: 'attach',
      name,
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
    const alive = this.servers.sessions.map((session) => placeIn(session, ''));
    for (const [place, session] of this.sessions) {
      if (alive.some((server) => place.startsWith(server))) continue;
      this.sessions.delete(place);
      vscode.debug.stopDebugging(session).then(undefined, (error: unknown) => this.log.warn(messageOf(error)));
    }
  }

  /** Only of the session that was asked for: those of its processes are below it. */
  private placeOf(session: vscode.DebugSession): string | undefined {
    // A launch configuration has it as text, since a command gave it.
    return session.parentSession ? undefined : this.places.get(Number(session.configuration['port']));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function placeIn(session: Session, worker: string): string {
  return `${session.entry.pid} ${worker}`;
}
