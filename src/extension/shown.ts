/**
 * What is shown of the servers outside of the tree: all of it, save for edits that need a restart where the setting
 * `onBootstrapEdit` keeps these to the tree.
 */
import * as vscode from 'vscode';
import type { Snapshot } from '../protocol/status.ts';
import type { Settings } from './contributions.ts';
import type { Servers } from './servers.ts';
import type { Session } from './session.ts';
import { affectsSetting, setting } from './wrappers.ts';

export interface ShownServer {
  readonly session: Session;
  readonly snapshot: Snapshot;
}

export class Shown implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers) {
    this.servers = servers;
    this.subscriptions = [
      servers.onDidChange(() => this.changed.fire()),
      servers.onDidChangeSnapshot(() => this.changed.fire()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (affectsSetting(event, 'onBootstrapEdit')) this.changed.fire();
      }),
    ];
  }

  get list(): ShownServer[] {
    return this.servers.sessions.map((session) => {
      const snapshot = session.snapshot!;
      const isHidden = snapshot.needsRestart.length > 0 && bootstrapPolicy(session) === 'ignore';
      return { session, snapshot: isHidden ? { ...snapshot, needsRestart: [] } : snapshot };
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }
}

export function bootstrapPolicy(session: Session): Settings['onBootstrapEdit'] {
  return setting('onBootstrapEdit', vscode.Uri.file(session.entry.cwd));
}
