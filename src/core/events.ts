/** What the supervisor is told, and what it answers: the two sides of the one queue. */
import type { ErrorInfo } from '../protocol/status.ts';
import type { Change, ChangeResult } from './change.ts';
import type { Exit, GroupSpec } from './pool.ts';
import type { Request } from './requests.ts';
import type { Worker } from './workerState.ts';

export type Event =
  | { readonly type: 'start'; readonly groups: readonly GroupSpec[] }
  /** The first process turned out to be a bootstrap script: these groups replace the one that was assumed. */
  | { readonly type: 'declared'; readonly groups: readonly GroupSpec[] }
  /** What the groups run is still being built: nothing runs, and nothing is asked for, before they `start`. */
  | { readonly type: 'awaits-build' }
  | { readonly type: 'request'; readonly request: Request }
  | { readonly type: 'evaluated'; readonly change: number; readonly outcome: readonly GroupSpec[] | ErrorInfo }
  | { readonly type: 'checked'; readonly change: number; readonly error: ErrorInfo | null }
  | { readonly type: 'ready'; readonly worker: number; readonly listens: boolean }
  /** A worker listens that was ready without. */
  | { readonly type: 'listens'; readonly worker: number }
  /** It will never be ready: its readiness said so while the process is still there. */
  | { readonly type: 'failed'; readonly worker: number; readonly error: ErrorInfo }
  /** Its event loop has not turned since then. */
  | { readonly type: 'unresponsive'; readonly worker: number; readonly silentSince: number }
  | { readonly type: 'responsive'; readonly worker: number }
  /** A debugger came to the worker, or the last one has gone. */
  | { readonly type: 'debugger'; readonly worker: number; readonly isConnected: boolean }
  | { readonly type: 'exited'; readonly worker: number; readonly exit: Exit; readonly diskDiffers: boolean }
  /** A draining worker ends now: its connections are cut, then its program may still shut down. */
  | { readonly type: 'finish'; readonly worker: number }
  | { readonly type: 'stop' }
  | { readonly type: 'force-stop' }
  | { readonly type: 'tick' };

export type Command =
  | { readonly type: 'spawn'; readonly worker: Worker }
  | { readonly type: 'admit'; readonly worker: Worker }
  /** Without `timeoutMs` it takes as long as it takes: a debugger is connected. */
  | {
      readonly type: 'drain';
      readonly worker: Worker;
      readonly timeoutMs: number | null;
      readonly change: number | null;
    }
  /** How long a worker that drains already may take from now on. */
  | { readonly type: 'deadline'; readonly worker: Worker; readonly timeoutMs: number | null }
  | { readonly type: 'hurry'; readonly worker: Worker }
  | { readonly type: 'kill'; readonly worker: Worker; readonly forced: boolean }
  | { readonly type: 'evaluate'; readonly change: Change }
  | { readonly type: 'check'; readonly change: Change; readonly groups: readonly string[] }
  /** The definition that was evaluated is in force from now on. */
  | { readonly type: 'commit'; readonly change: Change }
  /** The last worker of a group that is no more has gone: its addresses are free. */
  | { readonly type: 'release'; readonly group: string }
  | { readonly type: 'began'; readonly change: Change }
  | { readonly type: 'ended'; readonly result: ChangeResult }
  | { readonly type: 'stopped' };
