/**
 * What workers and builders write, in the Output panel: a channel for each worker, group, builder or server whose log somebody has asked for. It
 * goes on over reloads, lost connections and new starts of its server, until the window closes.
 */
import { t } from '@vscode/l10n';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { readLog } from '../../client/readLog.ts';
import { logText } from '../../protocol/inWords.ts';
import { writerOf, type LogEntry } from '../../protocol/logs.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';

/** Shown at once. */
const FIRST_LINES = 1000;
/** Lines that come within it are shown together; what comes faster than it can be read is skipped. */
const PACE_MS = 100;
/** VS Code keeps all of a channel on disk. */
const LONGEST = 5_000_000;

export interface LogScope {
  readonly group?: string;
  readonly slot?: number;
  /** The command of a builder. */
  readonly build?: string;
}

export class LogChannels implements vscode.Disposable {
  private readonly channels = new Map<string, LogChannel>();
  private readonly subscription: vscode.Disposable;

  constructor(servers: Servers) {
    this.subscription = servers.onDidChangeSnapshot(({ session }) => {
      for (const channel of this.channels.values()) if (channel.server === session.id) void channel.follow(session);
    });
  }

  show(session: Session, scope: LogScope): void {
    const key = JSON.stringify([session.id, scope.group, scope.slot, scope.build]);
    const channel = this.channels.get(key) ?? new LogChannel(session, scope);
    this.channels.set(key, channel);
    channel.show();
    void channel.follow(session);
  }

  dispose(): void {
    this.subscription.dispose();
    for (const channel of this.channels.values()) channel.dispose();
  }
}

class LogChannel implements vscode.Disposable {
  readonly server: string;
  private readonly scope: LogScope;
  private readonly channel: vscode.OutputChannel;
  /** By slot or builder of the master that has this pid: the last line that was shown. */
  private readonly shown = new Map<string, number>();
  private pid: number | undefined;
  /** The process whose lines were shown last, where the channel is that of one worker. */
  private writer: number | null | undefined;
  private length = 0;
  private isFollowing = false;
  private isDisposed = false;

  constructor({ id, entry }: Session, scope: LogScope) {
    this.server = id;
    this.scope = scope;
    const { group, slot, build } = scope;
    const whose = build ?? [group ?? '', slot === undefined ? '' : `#${slot}`].join('');
    this.channel = vscode.window.createOutputChannel(whose === '' ? entry.name : `${entry.name}: ${whose}`, 'log');
  }

  show(): void {
    this.channel.show(true);
  }

  /** Until the connection ends; the next snapshot that comes tries again. */
  async follow(session: Session): Promise<void> {
    if (this.isFollowing || this.isDisposed) return;
    this.isFollowing = true;
    if (this.pid !== session.entry.pid) this.shown.clear();
    this.pid = session.entry.pid;
    try {
      for await (const entries of readLog(session, { ...this.scope, lines: FIRST_LINES, follow: true })) {
        if (this.isDisposed) return;
        this.append(entries.filter((entry) => this.isNew(entry)));
        await delay(PACE_MS);
      }
    } catch {
      // The server is gone, or does not have that group, slot or builder at the moment.
    } finally {
      this.isFollowing = false;
    }
  }

  private isNew(entry: LogEntry): boolean {
    if ('skipped' in entry) return true;
    const key = writerOf(entry);
    if (entry.line <= (this.shown.get(key) ?? 0)) return false;
    this.shown.set(key, entry.line);
    return true;
  }

  private append(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    const text = stripVTControlCharacters(entries.map((entry) => `${this.textOf(entry)}\n`).join(''));
    this.length += text.length;
    if (this.length > LONGEST) {
      this.channel.clear();
      this.length = text.length;
    }
    this.channel.append(text);
  }

  /** One worker needs no name, but where its successor begins. */
  private textOf(entry: LogEntry): string {
    if (this.scope.build !== undefined && 'text' in entry) return entry.text;
    if (this.scope.slot === undefined || 'skipped' in entry) return logText(entry);
    const { pid, generation, text } = entry;
    const isAnother = pid !== this.writer;
    this.writer = pid;
    return isAnother ? `${t('── generation {0}, pid {1}', generation, pid ?? '?')}\n${text}` : text;
  }

  dispose(): void {
    this.isDisposed = true;
    this.channel.dispose();
  }
}
