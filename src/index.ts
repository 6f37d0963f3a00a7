/** What a bootstrap script imports: `defineServer` gives its argument back, so that editors check and complete it. */

/** A duration: milliseconds, or text such as `"500"`, `"10s"`, `"2m"`. */
export type Duration = number | string;

export interface GroupDefinition {
  /** The program that the workers run, relative to the bootstrap script. */
  entry: string;
  /** Number of workers; `"max"` = CPU cores. Default 1. */
  workers?: number | 'max';
  /** Whether a reload replaces these workers. Default true. */
  reloadable?: boolean;
  /** Whether the new worker is ready before the old one goes. Default `auto`: `start-first` for groups that listen. */
  order?: 'auto' | 'start-first' | 'stop-first';
  /** How long a worker may finish its work before it is ended. Default 10 s. */
  drainTimeout?: Duration;
  /** How long a new worker may take to become ready. Default 30 s. */
  bootTimeout?: Duration;
  /** Booted processes that wait before the entry. Default 1. */
  spares?: number;
  /** Globs of further files whose change reloads this group. */
  include?: string[];
  /** Globs of files whose change is ignored. */
  exclude?: string[];
  /** Arguments of the program. */
  args?: string[];
  /** Environment added for these workers. */
  env?: Record<string, string>;
  /** Files in `.env` format, read anew for each generation. */
  envFile?: string | string[];
  /** Flags for Node itself. */
  nodeArgs?: string[];
  /** Working directory, relative to the bootstrap script. Default: that of the bootstrap script's process. */
  cwd?: string;
  /** A command that builds what the entry runs. */
  build?: string;
  /** Time without a turn of the event loop after which a worker counts as unresponsive; 0 = off. Default 30 s. */
  unresponsiveAfter?: Duration;
  /** Whether an unresponsive worker is replaced. Default false. */
  replaceUnresponsive?: boolean;
  /** When a new worker counts as ready. Default `auto`: it listens, or, if it never does, its main module is evaluated. `http`: a path that answers 2xx or 3xx. */
  ready?: 'auto' | 'message' | { http: string };
}

export interface ServerDefinition {
  name?: string;
  envFile?: string | string[];
  include?: string[];
  exclude?: string[];
  /** Which changes reload. Default `change`. */
  reloadOn?: 'change' | 'manualSave' | 'never';
  groups: Record<string, GroupDefinition>;
}

export function defineServer(definition: ServerDefinition): ServerDefinition {
  return definition;
}
