/**
 * The wires between the master and the processes it starts.
 *
 * - Node's own IPC channel carries control messages and socket handles. Every message has `cmd: 'NODE_GRACEFUL_RELOAD'`:
 *   Node delivers messages whose `cmd` starts with `NODE_` as `internalMessage` events (seen in 20 to 26), so the
 *   program's own `process.on('message')` never sees one.
 * - File descriptor 4 carries reports, one JSON document a line, written synchronously so that they arrive even when the
 *   program throws while it loads.
 */
import type { Address } from './status.ts';
import type { Dependency } from './workerMessages.ts';

export const WORKER_CMD = 'NODE_GRACEFUL_RELOAD';
/** Configuration for the preload; deleted from the environment before the program runs. */
export const CONFIG_VARIABLE = 'GRACEFUL_RELOAD_PRELOAD';
export const REPORT_FD = 4;

/** What the preload is told by its environment, before any message. */
export interface PreloadConfig {
  /** `probe`: tell whether the entry is a bootstrap script, else go on as a worker. `check`: only compile the files of `check`. */
  readonly role: 'worker' | 'probe' | 'bootstrap' | 'check';
  /** Absolute paths, for the role `check`. */
  readonly check?: readonly string[];
  /** Whether tracking must not use `module.registerHooks`, because an async loader runs on a Node where the two do not go together. */
  readonly asyncLoader: boolean;
  /** Files below it count when the program reads them; null where reads are not looked at. */
  readonly root: string | null;
  /** `process.send` stays visible and `process.send('ready')` means ready. */
  readonly readyMessage: boolean;
  /** The master accepts connections and passes them on: nothing is bound here. */
  readonly acceptsInMaster: boolean;
  /** Number of leading `execArgv` items that are ours. */
  readonly ownExecArgv: number;
  /** Absolute path of the file that `import 'graceful-reload'` gives when no such package is installed. */
  readonly indexFile: string;
}

/** Names an address within a group: family, address, port and, for `port: 0` and repeats, an ordinal. */
export type ListenKey = string;

export type ToWorker =
  | { readonly t: 'handle'; readonly key: ListenKey }
  /** The master accepts connections to that address and passes them on. */
  | { readonly t: 'accepted'; readonly key: ListenKey; readonly address: Address }
  /** Nobody listens there any more: an unused handle of it is closed. */
  | { readonly t: 'forget'; readonly key: ListenKey }
  /** Do once what the program will need: where Node takes its types away, and where it listens the first request. */
  | { readonly t: 'warm-up'; readonly stripsTypes: boolean; readonly listens: boolean }
  /** Load these packages ahead, in this order; answered by `preloaded`. `compileCache`: the folder for what V8 makes of them. */
  | {
      readonly t: 'preload';
      readonly dependencies: readonly Dependency[];
      readonly isCommonJs: boolean;
      readonly compileCache: string | null;
    }
  /** Run the entry, with these variables added to the environment. */
  | { readonly t: 'go'; readonly env: Readonly<Record<string, string>> }
  | { readonly t: 'admit' }
  /** Without a deadline while a debugger is connected. */
  | { readonly t: 'drain'; readonly deadlineMs: number | null }
  /** Open the inspector; with `breaks` wait for a debugger before the entry runs, and stop in its first line. */
  | { readonly t: 'inspect'; readonly breaks: boolean }
  /** With a handle, or with the address at which the master accepts. */
  | {
      readonly t: 'granted';
      readonly id: number;
      readonly address?: Address;
      readonly error?: { readonly code: string; readonly message: string };
    }
  /** With a handle: an idle connection to go on with. `remainingMs`: of its keep-alive time; null when it never carried a request. */
  | { readonly t: 'connection'; readonly id: number; readonly key: ListenKey; readonly remainingMs: number | null }
  | { readonly t: 'figures'; readonly on: boolean }
  /** Answered by `turned`: the event loop turns. */
  | { readonly t: 'turns' };
