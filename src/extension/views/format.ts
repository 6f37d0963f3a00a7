/** Facts as the short texts that rows, tooltips and the status bar share. */
import { t } from '@vscode/l10n';
import { basename } from 'node:path';
import type { Address, ReloadReport, ServerState, Trigger, WorkerStatus } from '../../protocol/status.ts';

/** `1 worker`, `3 workers`; languages differ in more than an "s". */
export function plural(
  count: number,
  noun: 'worker' | 'request' | 'connection' | 'server' | 'file' | 'more file',
): string {
  switch (noun) {
    case 'worker':
      return count === 1 ? t('1 worker') : t('{0} workers', count);
    case 'request':
      return count === 1 ? t('1 request') : t('{0} requests', count);
    case 'connection':
      return count === 1 ? t('1 connection') : t('{0} connections', count);
    case 'server':
      return count === 1 ? t('1 server') : t('{0} servers', count);
    case 'file':
      return count === 1 ? t('1 file') : t('{0} files', count);
    case 'more file':
      return count === 1 ? t('1 more file') : t('{0} more files', count);
  }
}

export function workerStateText(state: WorkerStatus['state']): string {
  switch (state) {
    case 'starting':
      return t('starting');
    case 'ready':
      return t('ready');
    case 'draining':
      return t('draining');
    case 'backoff':
      return t('failed');
    case 'unresponsive':
      return t('unresponsive');
    case 'stopped':
      return t('stopped');
  }
}

export function serverStateText(state: ServerState): string {
  switch (state) {
    case 'starting':
      return t('starting');
    case 'running':
      return t('running');
    case 'reloading':
      return t('reloading');
    case 'stopping':
      return t('stopping');
    case 'failed':
      return t('failed');
    case 'stopped':
      return t('stopped');
  }
}

/** `14:07`, in the time of the person who looks. */
export function clock(iso: string): string {
  const time = new Date(iso);
  return `${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}`;
}

export function clockWithSeconds(iso: string): string {
  return `${clock(iso)}:${twoDigits(new Date(iso).getSeconds())}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * How long ago: `4 s`, `2 min`, `3 h`, `5 d`. From 10 s on only every tenth second counts: the view is refreshed that
 * often, and a row that changes each second is a row that cannot be read.
 */
export function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(iso)) / 1000));
  if (seconds < 10) return `${seconds} s`;
  if (seconds < 60) return `${seconds - (seconds % 10)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function remaining(iso: string, now: number): string {
  return `${Math.max(0, Math.ceil((Date.parse(iso) - now) / 1000))} s`;
}

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}

/** `:3000` where this machine can reach it as localhost, else with its host; the name of a Unix socket. */
export function shortAddress(address: Address): string {
  if (address.port === null) return basename(address.host);
  return isLocal(address) ? `:${address.port}` : `${address.host}:${address.port}`;
}

/** Something to open in a browser, or at least to try. */
export function urlOf(address: Address): string | undefined {
  if (address.protocol !== 'tcp' || address.port === null) return undefined;
  const host = isLocal(address) ? 'localhost' : address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}

export function urlsOf(addresses: readonly Address[]): string[] {
  return [...new Set(addresses.map(urlOf).filter((url) => url !== undefined))];
}

function isLocal(address: Address): boolean {
  return ['::', '0.0.0.0', '127.0.0.1', '::1', 'localhost', ''].includes(address.host);
}

/** `web.ts saved`, `3 files changed`, `asked for`. */
export function describeTrigger(trigger: Trigger): string {
  const [first] = trigger.files;
  const what =
    first === undefined ? '' : trigger.files.length === 1 ? basename(first) : plural(trigger.files.length, 'file');
  switch (trigger.kind) {
    case 'save':
      return what === '' ? t('saved') : t('{0} saved', what);
    case 'change':
      return what === '' ? t('changed') : t('{0} changed', what);
    case 'command':
      return t('reload asked for');
    case 'restart':
      return t('restart');
    case 'crash':
      return t('after a crash');
  }
}

/** What came of it: `4 replaced · 430 ms · 6 connections moved`, `rejected: SyntaxError …`. */
export function describeResult(report: ReloadReport): string {
  switch (report.result) {
    case 'done': {
      const parts = [t('{0} replaced', report.replaced), duration(report.durationMs)];
      if (report.movedConnections > 0) parts.push(t('{0} moved', plural(report.movedConnections, 'connection')));
      if (report.forcedConnections > 0) parts.push(t('{0} cut', plural(report.forcedConnections, 'connection')));
      if (report.forcedKills > 0) parts.push(t('{0} killed', report.forcedKills));
      return parts.join(' · ');
    }
    case 'rejected':
      return t('rejected: {0}', firstLine(report.error?.message ?? t('a new worker did not become ready')));
    case 'superseded':
      return t('superseded by a newer change');
    case 'stopped':
      return t('stopped');
  }
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trim();
}
