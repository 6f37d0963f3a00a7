/** What a server is started with, from the command line or a task, already checked. */
import type { InspectWish } from './inspect.ts';
import type { Order, ReloadOn } from './status.ts';

export interface StartOptions {
  /** Absolute path of the file to run. */
  readonly script: string;
  /** Start folder. */
  readonly cwd: string;
  readonly args: readonly string[];
  readonly nodeArgs: readonly string[];
  readonly name: string | undefined;
  /** The Node that the workers run on; undefined = the one that runs the master. */
  readonly node: string | undefined;
  readonly watch: boolean;
  /** Look for changes at this interval, in ms, instead of waiting for the file system to tell. */
  readonly poll: number | undefined;
  readonly reloadOn: ReloadOn | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly envFiles: readonly EnvFile[];
  /** `--inspect` and its kin. */
  readonly inspect: InspectWish | undefined;
  readonly prefix: 'auto' | 'always' | 'never';
  /** Group options, for a program without a bootstrap script; undefined where the user gave none. */
  readonly group: GroupFlags;
  /** Of groups that do not say it; undefined: as documented. */
  readonly defaultSpares?: number | undefined;
}

/** A start whose words name no file: a script of a package.json says what runs. */
export interface ScriptStart {
  /** The package.json; absolute. */
  readonly file: string;
  /** Of the script. */
  readonly name: string;
  /** What follows `start`, and where it was said. */
  readonly words: readonly string[];
  readonly cwd: string;
}

export interface EnvFile {
  /** Absolute. */
  readonly path: string;
  readonly optional: boolean;
}

export interface GroupFlags {
  readonly workers?: number | 'max' | undefined;
  readonly order?: Order | undefined;
  readonly drainTimeout?: number | undefined;
  readonly bootTimeout?: number | undefined;
  readonly spares?: number | undefined;
  /** Keeps building what the workers run. */
  readonly build?: string | undefined;
  /** Added to the environment; wins over all. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}
