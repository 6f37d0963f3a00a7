/** What `activate` gives to other extensions and to tests. Additions are fine within version 1. */
import * as vscode from 'vscode';
import type { ReloadReport, Snapshot } from '../protocol/status.ts';
import { UserError } from '../protocol/userError.ts';
import type { Servers } from './servers.ts';
import type { Session } from './session.ts';

export interface ServerInfo {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  /** As `graceful-reload status --json` prints it. */
  readonly snapshot: Snapshot;
}

export interface ReloadEvent {
  readonly server: ServerInfo;
  readonly report: ReloadReport;
}

export interface GracefulReloadApi {
  readonly version: 1;
  /** The servers of this workspace that run now. */
  readonly servers: readonly ServerInfo[];
  /** A server came, went or changed its state. */
  readonly onDidChangeServers: vscode.Event<void>;
  /** A reload or a restart has ended, whoever asked for it. */
  readonly onDidReload: vscode.Event<ReloadEvent>;
  /** Waits for the result. Without an id: the only server. */
  reload(serverId?: string, what?: { readonly group?: string; readonly slot?: number }): Promise<ReloadReport>;
  restart(serverId?: string): Promise<ReloadReport>;
}

export function createApi(servers: Servers, subscriptions: vscode.Disposable[]): GracefulReloadApi {
  const changed = new vscode.EventEmitter<void>();
  const reloaded = new vscode.EventEmitter<ReloadEvent>();
  subscriptions.push(
    changed,
    reloaded,
    servers.onDidChange(() => changed.fire()),
    servers.onDidChangeSnapshot(({ session, before }) => {
      const report = session.snapshot?.lastReload;
      if (report && before && before.lastReload?.id !== report.id)
        for (const server of infoOf(session)) reloaded.fire({ server, report });
      if (before?.state !== session.snapshot?.state) changed.fire();
    }),
  );
  return {
    version: 1,
    get servers() {
      return servers.sessions.flatMap(infoOf);
    },
    onDidChangeServers: changed.event,
    onDidReload: reloaded.event,
    reload: async (serverId, what) => only(servers, serverId).request('reload', what ?? {}),
    restart: async (serverId) => only(servers, serverId).request('restart', {}),
  };
}

/** Nothing until the server has told its state. */
function infoOf({ id, entry, snapshot }: Session): ServerInfo[] {
  return snapshot ? [{ id, name: entry.name, pid: entry.pid, snapshot }] : [];
}

function only(servers: Servers, id: string | undefined): Session {
  const candidates = servers.sessions.filter((session) => id === undefined || session.id === id);
  const [first] = candidates;
  if (!first) throw new UserError('no-server', 'No such server is running in this workspace.');
  if (candidates.length > 1) throw new UserError('ambiguous', 'Several servers are running; name one by its id.');
  return first;
}
