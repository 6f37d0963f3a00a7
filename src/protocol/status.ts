/**
 * What a server says of itself: the document that `graceful-reload status --json` prints, that the control wire carries
 * and that the tree view is a function of. Times are ISO 8601 UTC, durations milliseconds, sizes bytes; paths are
 * relative to `cwd` where they lie below it, else absolute. Fields may be added within version 1, never renamed.
 */
import * as z from 'zod';

export const STATUS_VERSION = 1;

export const serverStateSchema = z.enum(['starting', 'running', 'reloading', 'stopping', 'failed', 'stopped']);
export const workerStateSchema = z.enum(['starting', 'ready', 'draining', 'backoff', 'stopped', 'unresponsive']);
export const orderSchema = z.enum(['auto', 'start-first', 'stop-first']);
export const restartReasonSchema = z.enum(['bootstrap', 'bootstrap-import', 'env-file', 'non-reloadable', 'options']);
export const reloadResultSchema = z.enum(['done', 'rejected', 'superseded', 'stopped']);
export const reloadOnSchema = z.enum(['change', 'manualSave', 'never']);
export const triggerKindSchema = z.enum(['save', 'change', 'command', 'restart', 'crash']);

export const addressSchema = z.object({
  protocol: z.enum(['tcp', 'unix', 'udp']),
  /** For `unix` the path of the socket. */
  host: z.string(),
  port: z.number().nullable(),
});

export const errorInfoSchema = z.object({
  /** `rejected`, `addresses-changed`, `bootstrap-error`, `stopped`, or a code of the failing program. */
  code: z.string(),
  message: z.string(),
  file: z.string().nullable(),
  line: z.number().nullable(),
  column: z.number().nullable(),
  stack: z.string().nullable(),
});

export const closedConnectionsSchema = z.object({
  tls: z.number(),
  http2: z.number(),
  websocket: z.number(),
  sse: z.number(),
  tcp: z.number(),
});

export const triggerSchema = z.object({ kind: triggerKindSchema, files: z.array(z.string()) });

export const phaseSchema = z.object({
  /** `evaluate` the bootstrap script, `check` that it compiles, `canary` the first new workers, `roll` all others. */
  name: z.enum(['evaluate', 'check', 'canary', 'roll']),
  ms: z.number(),
});

export const reloadReportSchema = z.object({
  id: z.number(),
  result: reloadResultSchema,
  trigger: triggerSchema,
  generation: z.number(),
  groups: z.array(z.string()),
  startedAt: z.string(),
  /** From the start of the reload to the first new worker that was ready; null when none was. */
  firstReadyMs: z.number().nullable(),
  durationMs: z.number(),
  phases: z.array(phaseSchema).default([]),
  replaced: z.number(),
  movedConnections: z.number(),
  closedConnections: closedConnectionsSchema,
  forcedConnections: z.number(),
  forcedKills: z.number(),
  error: errorInfoSchema.nullable(),
});

export const workerStatusSchema = z.object({
  slot: z.number(),
  pid: z.number().nullable(),
  state: workerStateSchema,
  generation: z.number(),
  startedAt: z.string().nullable(),
  /** Crashes of its slot in a row, or 0. */
  crashes: z.number().default(0),
  /** When a worker in `backoff` is tried again; null when it waits for the next save. */
  nextTryAt: z.string().nullable(),
  /** Since when its event loop is not known to have turned, for one that is `unresponsive`. */
  unresponsiveSince: z.string().nullable().default(null),
  /** When a draining worker is killed at the latest. */
  killAt: z.string().nullable(),
  requests: z.number(),
  inFlight: z.number(),
  connections: z.number(),
  rss: z.number(),
  /** Share of one core since the last sample, 0 to 1. */
  cpu: z.number(),
  eventLoopLagMs: z.number(),
  /** Where a debugger connects to it; null while none was asked for. */
  inspectPort: z.number().nullable().default(null),
  /** While it is not null no deadline runs for the worker. `awaited`: it does not run before one comes (`--inspect-brk`). */
  debugger: z.enum(['awaited', 'connected', 'paused']).nullable().default(null),
  /** How this worker lets go of connections when Node's internals for the hand-over are missing. */
  fallback: z.enum(['connection-close']).nullable(),
});

export const groupStatusSchema = z.object({
  name: z.string(),
  entry: z.string(),
  generation: z.number(),
  reloadable: z.boolean(),
  order: orderSchema,
  wanted: z.number(),
  spares: z.number(),
  /** How many files of packages each spare has loaded ahead of the program. */
  loadedAhead: z.number().default(0),
  addresses: z.array(addressSchema),
  workers: z.array(workerStatusSchema),
});

/** What keeps building what the workers run. */
export const buildStatusSchema = z.object({
  command: z.string(),
  /** Those that run what it writes. */
  groups: z.array(z.string()),
  pid: z.number().nullable(),
  /** `running`: it does not tell how far it is, or has not yet. */
  state: z.enum(['running', 'building', 'built', 'failed', 'ended']),
  since: z.string(),
  /** What is wrong with the last build. It may have written all the same: then it is `built`. */
  error: errorInfoSchema.nullable(),
  /** How it ended, in words. */
  end: z.string().nullable(),
});

/** Lines of a file, counted from 1, both ends included. Where lines were only removed: the line that now stands there. */
export const lineRangeSchema = z.object({ from: z.number(), to: z.number() });

/** A start option that is another now. `takes`: a restart brings it in, or only a stop and a start. */
export const optionChangeSchema = z.object({
  /** As it is called in a task. */
  name: z.string(),
  takes: z.enum(['restart', 'start']),
  /** Where it stands in the file; null when it does not. */
  line: z.number().nullable(),
});

export const needsRestartSchema = z.object({
  file: z.string(),
  reason: restartReasonSchema,
  since: z.string(),
  /** The way from the bootstrap script to the file: `server.ts:3` imports the next one; the last one is the file itself. */
  chain: z.array(z.string()),
  /** Groups concerned, for `non-reloadable`. */
  groups: z.array(z.string()),
  /** Of what is on disk now; null when the file is gone. */
  digest: z.string().nullable(),
  /** What differs on disk from the text that runs; null when that text is not known, and so cannot be compared with. */
  changed: z.array(lineRangeSchema).nullable(),
  /** For `options`: those that differ from what the server runs with. */
  options: z.array(optionChangeSchema).default([]),
});

/** Changed on disk, but not run by every worker that serves. */
export const pendingReloadSchema = z.object({ file: z.string(), groups: z.array(z.string()), since: z.string() });

/** Changed again by each reload that it caused: its changes no longer act. `exclude` is the glob that says so for good. */
export const flappingSchema = z.object({ file: z.string(), exclude: z.string(), since: z.string() });

export const snapshotSchema = z.object({
  version: z.literal(STATUS_VERSION),
  name: z.string(),
  pid: z.number(),
  kind: z.string(),
  state: serverStateSchema,
  generation: z.number(),
  startedAt: z.string(),
  cwd: z.string(),
  script: z.string(),
  /** The task that started it; null when none did. */
  task: z.string().nullable().default(null),
  /** Whether `script` declares groups; null until the first process told. */
  bootstrap: z.boolean().nullable(),
  paused: z.boolean(),
  /** Which changes act by themselves. */
  reloadOn: reloadOnSchema,
  addresses: z.array(addressSchema),
  groups: z.array(groupStatusSchema),
  needsRestart: z.array(needsRestartSchema),
  pendingReload: z.array(pendingReloadSchema),
  flapping: z.array(flappingSchema),
  builds: z.array(buildStatusSchema).default([]),
  lastReload: reloadReportSchema.nullable(),
  /** The newest first, `lastReload` among them; at most 20. */
  reloads: z.array(reloadReportSchema),
  /** Why the server does not serve what is on disk: a failed start, or workers that keep crashing. */
  error: errorInfoSchema.nullable(),
});

export const explanationSchema = z.object({
  file: z.string(),
  verdict: z.enum(['reload', 'restart', 'partial', 'built', 'none']),
  groups: z.array(z.string()),
  reason: z.string(),
  chain: z.array(z.string()),
});

/** One process in a slot, from its start to its end. */
export const workerLifeSchema = z.object({
  group: z.string(),
  slot: z.number(),
  pid: z.number().nullable(),
  generation: z.number(),
  startedAt: z.string(),
  /** When it was admitted; null when it never served, or does not yet. */
  servedAt: z.string().nullable(),
  drainingAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** `left` as it was asked to, `killed` since it took too long, `crashed` unasked, `unready`: before it served. */
  end: z.enum(['left', 'killed', 'crashed', 'unready']).nullable(),
});

export const stopReportSchema = z.object({ stopped: z.number(), forcedKills: z.number() });

/** What `wait` came to: what is on disk serves in every slot, or does not and will not by itself. */
export const waitReportSchema = z.discriminatedUnion('live', [
  z.object({ live: z.literal(true), generation: z.number(), needsRestart: z.array(needsRestartSchema) }),
  /** Without a report: nothing has served yet. */
  z.object({ live: z.literal(false), report: reloadReportSchema.nullable(), error: errorInfoSchema }),
]);

export type Snapshot = z.infer<typeof snapshotSchema>;
export type GroupStatus = z.infer<typeof groupStatusSchema>;
export type WorkerStatus = z.infer<typeof workerStatusSchema>;
export type ServerState = z.infer<typeof serverStateSchema>;
export type ReloadReport = z.infer<typeof reloadReportSchema>;
export type ReloadOn = z.infer<typeof reloadOnSchema>;
export type PendingReload = z.infer<typeof pendingReloadSchema>;
export type Flapping = z.infer<typeof flappingSchema>;
export type BuildStatus = z.infer<typeof buildStatusSchema>;
export type WaitReport = z.infer<typeof waitReportSchema>;
export type Trigger = z.infer<typeof triggerSchema>;
export type ErrorInfo = z.infer<typeof errorInfoSchema>;
export type Address = z.infer<typeof addressSchema>;
export type LineRange = z.infer<typeof lineRangeSchema>;
export type NeedsRestart = z.infer<typeof needsRestartSchema>;
export type OptionChange = z.infer<typeof optionChangeSchema>;
export type WorkerLife = z.infer<typeof workerLifeSchema>;
export type Explanation = z.infer<typeof explanationSchema>;
export type StopReport = z.infer<typeof stopReportSchema>;
export type Order = z.infer<typeof orderSchema>;
export type ClosedConnections = z.infer<typeof closedConnectionsSchema>;
