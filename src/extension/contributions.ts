/**
 * Every id that package.json contributes, typed once. A unit test compares these lists with the manifest, so a command
 * that is contributed but not registered, or a misspelt context key, does not get far. No `vscode` here: the test runs in
 * plain node.
 */
import type { ReloadOn } from '../protocol/status.ts';

export const EXTENSION_NAME = 'Graceful Reload';
export const TASK_TYPE = 'graceful-reload';
export const PROBLEM_MATCHER = '$graceful-reload';
export const DIAGNOSTIC_SOURCE = 'graceful-reload';
export const VIEW_CONTAINER = 'gracefulReload';
export const SERVERS_VIEW = 'gracefulReload.servers';
export const STATUS_BAR_ITEM = 'gracefulReload.status';
/** Scheme of the documents that hold the text a server runs. */
export const RUNNING_SCHEME = 'graceful-reload';
/** Type of the web views that show a server's history. */
export const HISTORY_PAGE = 'gracefulReload.history';
export const LANGUAGE_STATUS_ITEM = 'gracefulReload.file';
export const SETTINGS_SECTION = 'gracefulReload';

export const commandIds = [
  'gracefulReload.start',
  'gracefulReload.reload',
  'gracefulReload.reloadGroup',
  'gracefulReload.reloadWorker',
  'gracefulReload.finishNow',
  'gracefulReload.restart',
  'gracefulReload.stop',
  'gracefulReload.pause',
  'gracefulReload.resume',
  'gracefulReload.copyExclude',
  'gracefulReload.attachDebugger',
  'gracefulReload.compareWithRunning',
  'gracefulReload.openInBrowser',
  'gracefulReload.inspectPort',
  'gracefulReload.addToTasks',
  'gracefulReload.showTerminal',
  'gracefulReload.showHistory',
  'gracefulReload.showLog',
] as const;
export type CommandId = (typeof commandIds)[number];

/** Tools for coding agents. */
export const toolIds = [
  'gracefulReload_status',
  'gracefulReload_wait',
  'gracefulReload_explain',
  'gracefulReload_logs',
  'gracefulReload_reload',
] as const;
export type ToolId = (typeof toolIds)[number];

/** Values of the context keys that `when` clauses of the manifest read. */
export interface ContextKeys {
  /** A server of this workspace runs. */
  'gracefulReload.running': boolean;
  /** Whether the workspace holds something to start. Text, since an unset key equals `false`: nothing is said before the first look. */
  'gracefulReload.detected': 'some' | 'none';
  /** A file differs from what a server runs, and only a restart brings it up to date. */
  'gracefulReload.restartNeeded': boolean;
  /** A reload has come to its end: the walkthrough counts that step as done. */
  'gracefulReload.reloaded': boolean;
  /** A worker finishes its work. */
  'gracefulReload.draining': boolean;
  /** A server holds changes back. */
  'gracefulReload.paused': boolean;
  /** A server does not. */
  'gracefulReload.pausable': boolean;
  /** A file changes with each reload that it causes. */
  'gracefulReload.flapping': boolean;
  /** A running server has an address that a browser can open. */
  'gracefulReload.browsable': boolean;
}
export const contextKeys = [
  'gracefulReload.running',
  'gracefulReload.detected',
  'gracefulReload.restartNeeded',
  'gracefulReload.reloaded',
  'gracefulReload.draining',
  'gracefulReload.paused',
  'gracefulReload.pausable',
  'gracefulReload.flapping',
  'gracefulReload.browsable',
] as const satisfies (keyof ContextKeys)[];

export interface Settings {
  /** Which changes act by themselves, where neither the task nor the bootstrap script says it. */
  reloadOn: ReloadOn;
  node: string;
  /** Files that do not count, where the task does not say it. */
  exclude: readonly string[];
  /** Booted processes that wait for the next reload, where neither the task nor the bootstrap script says it; null: the default. */
  spares: number | null;
  /** What is done about an edit that only a restart picks up. */
  onBootstrapEdit: 'flag' | 'restart' | 'ignore';
  autoDetect: 'on' | 'off';
  showNotifications: boolean;
}
/** The defaults of package.json, repeated for a host that does not know the manifest's (a test). */
export const settingDefaults: Settings = {
  reloadOn: 'change',
  node: '',
  exclude: [],
  spares: null,
  onBootstrapEdit: 'flag',
  autoDetect: 'on',
  showNotifications: true,
};
