/**
 * The wire between a worker whose program has a `node:cluster` of its own and the children of that cluster: their IPC
 * channel, with the same `cmd` as the wire between master and worker, so that the program sees none of it.
 */
import type { ListenKey, ToWorker } from './worker.ts';
import type { FromWorker, Report } from './workerMessages.ts';

/** What the preload is told in a child. The variable is that of a worker. */
export interface ClusterChildConfig {
  readonly role: 'cluster-child';
  /** The `NODE_OPTIONS` without ours; null where there are none. */
  readonly nodeOptions: string | null;
  readonly indexFile: string;
  readonly asyncLoader: boolean;
  readonly root: string | null;
}

export type ToClusterChild =
  | Extract<ToWorker, { t: 'connection' | 'drain' }>
  /** No further connection comes: tell when the last one has gone. */
  | { readonly t: 'finish' };

export type FromClusterChild =
  | Extract<FromWorker, { t: 'connection' | 'adopted' | 'drained' }>
  | { readonly t: 'serves'; readonly key: ListenKey }
  | { readonly t: 'report'; readonly report: Report };
