/**
 * One running server as this window knows it: the connection to its master, the last snapshot, and an event for every
 * new one. No UI. A lost connection is made anew until `servers.ts` finds that the server is gone.
 */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { ControlClient } from '../client/controlClient.ts';
import type { ControlMethod, ControlParams, ControlResult } from '../protocol/control.ts';
import type { RegistryEntry } from '../protocol/registry.ts';
import type { Snapshot } from '../protocol/status.ts';
import { messageOf, UserError } from '../protocol/userError.ts';

const CLIENT_NAME = 'VS Code';
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;

export interface SessionSnapshot {
  readonly session: Session;
  readonly before: Snapshot | undefined;
}

export class Session implements vscode.Disposable {
  readonly entry: RegistryEntry;
  /** The same for every run of this server, so that the tree stays as it was over a stop and a start. */
  readonly id: string;
  private readonly log: vscode.LogOutputChannel;
  private readonly changed = new vscode.EventEmitter<SessionSnapshot>();
  readonly onDidChange = this.changed.event;
  private readonly connected = new vscode.EventEmitter<Session>();
  /** With the first snapshot of every connection: what the window before told the master of itself is gone. */
  readonly onDidConnect = this.connected.event;
  private readonly lost = new vscode.EventEmitter<void>();
  readonly onDidLoseConnection = this.lost.event;
  private client: ControlClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private disposed = false;
  private last: Snapshot | undefined;
  private wantsFigures = false;

  constructor(entry: RegistryEntry, log: vscode.LogOutputChannel) {
    this.entry = entry;
    this.id = `${entry.script}#${entry.name}`;
    this.log = log;
    void this.connect();
  }

  get snapshot(): Snapshot | undefined {
    return this.last;
  }

  get isConnected(): boolean {
    return this.client !== undefined;
  }

  async request<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> {
    if (!this.client) {
      throw new UserError(
        'no-server',
        t('{0} (pid {1}) does not answer at the moment.', this.entry.name, this.entry.pid),
      );
    }
    return this.client.request(method, params);
  }

  /** Live figures cost the workers a little: they are asked for while somebody looks. */
  showFigures(isOn: boolean): void {
    if (isOn === this.wantsFigures) return;
    this.wantsFigures = isOn;
    void this.client?.request('subscribe', { figures: isOn }).catch(() => undefined);
  }

  private async connect(): Promise<void> {
    try {
      const client = await ControlClient.connect(this.entry, CLIENT_NAME);
      if (this.disposed) return client.dispose();
      this.client = client;
      void client.closed.then(() => this.onClosed());
      await client.subscribe((snapshot) => this.take(snapshot), this.wantsFigures);
      this.retryMs = FIRST_RETRY_MS;
      this.log.info(`[${this.entry.name}] connected to pid ${this.entry.pid}`);
      this.connected.fire(this);
    } catch (error) {
      if (this.disposed) return;
      this.log.warn(`[${this.entry.name}] cannot connect to pid ${this.entry.pid}: ${messageOf(error)}`);
      // A connection that was made and then failed to subscribe ends here; `closed` then starts the next attempt.
      if (this.client) this.client.dispose();
      else this.connectLater();
    }
  }

  private take(snapshot: Snapshot): void {
    if (this.disposed) return;
    const before = this.last;
    this.last = snapshot;
    this.changed.fire({ session: this, before });
  }

  private onClosed(): void {
    this.client = undefined;
    if (this.disposed) return;
    this.log.info(`[${this.entry.name}] connection to pid ${this.entry.pid} ended`);
    this.lost.fire();
    this.connectLater();
  }

  private connectLater(): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.retry);
    this.client?.dispose();
    this.changed.dispose();
    this.connected.dispose();
    this.lost.dispose();
  }
}
