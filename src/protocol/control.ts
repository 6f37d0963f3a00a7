/**
 * The control wire between the master and its clients (CLI, extension): JSON-RPC 2.0 over a Unix socket or a named pipe.
 * The first request on a connection is `hello` with the token of the registry entry; nothing else is answered before it.
 * `subscribe` answers with a snapshot, then `snapshot` notifications follow, so a client never has a gap.
 */
import * as z from 'zod';
import { logPageSchema } from './logs.ts';
import {
  explanationSchema,
  optionChangeSchema,
  pendingReloadSchema,
  reloadOnSchema,
  reloadReportSchema,
  snapshotSchema,
  stopReportSchema,
  waitReportSchema,
  workerLifeSchema,
} from './status.ts';
import { taskOptionsSchema } from './taskStart.ts';

export const CONTROL_VERSION = 1;
/** A longer message closes the connection. */
export const MAX_MESSAGE_BYTES = 1_000_000;

const text = z.string().max(4096);
const pauseReport = z.object({ paused: z.boolean(), pendingReload: z.array(pendingReloadSchema) });

/** Every method with what it takes and what it answers; both sides check against these. */
export const controlMethods = {
  hello: {
    params: z.object({ version: z.number(), token: z.string().max(256), client: text }),
    result: z.object({ version: z.literal(CONTROL_VERSION), pid: z.number() }),
  },
  status: { params: z.object({}), result: snapshotSchema },
  /** `figures` (true): live figures of the workers, which cost them a little; asked again, it changes. */
  subscribe: { params: z.object({ figures: z.boolean().optional() }), result: snapshotSchema },
  /** Waits until the reload has ended; a reload that was superseded answers with its successor. */
  reload: {
    params: z.object({ group: text.optional(), slot: z.number().int().positive().optional() }),
    result: reloadReportSchema,
  },
  /** Opens a port for debuggers for each worker that is meant, where there is none, and tells all of them. */
  inspect: {
    params: z.object({ group: text.optional(), slot: z.number().int().positive().optional() }),
    result: z.object({ workers: z.array(z.object({ group: z.string(), slot: z.number(), port: z.number() })) }),
  },
  /** `options`: told as with `taskOptions` first. */
  restart: { params: z.object({ options: taskOptionsSchema.optional() }), result: reloadReportSchema },
  /** The task that started the server, as it is defined now: what differs needs a restart, and the next one applies it. */
  taskOptions: { params: taskOptionsSchema, result: z.object({ changed: z.array(optionChangeSchema) }) },
  /** A draining worker ends now instead of when its work is done. */
  finish: {
    params: z.object({ group: text, slot: z.number().int().positive() }),
    result: z.object({ finished: z.number() }),
  },
  /** The processes that served since the start, the newest last; those of long ago are forgotten. */
  history: { params: z.object({}), result: z.object({ lives: z.array(workerLifeSchema) }) },
  /**
   * What workers and builders have written: the last `lines` of them, or those behind a page that was read before (`after`). `wait`: an
   * answer comes once there are some. Long answers come in pages.
   */
  logs: {
    params: z.object({
      group: text.optional(),
      slot: z.number().int().positive().optional(),
      /** The command of a builder, or true for all of them: what workers have written is left out. */
      build: z.union([z.string(), z.literal(true)]).optional(),
      lines: z.number().int().nonnegative().optional(),
      after: z.number().int().nonnegative().optional(),
      wait: z.boolean().optional(),
    }),
    result: logPageSchema,
  },
  /** Until what is on disk serves in every slot, or cannot; a file that was written just before counts. */
  wait: { params: z.object({ timeout: z.number().nonnegative() }), result: waitReportSchema },
  /** Changes are remembered, not acted on, until `resume` acts on them together. */
  pause: { params: z.object({}), result: pauseReport },
  resume: { params: z.object({}), result: pauseReport },
  /**
   * Which changes act by themselves. `lastWord`: somebody has just decided so; otherwise it is the setting of a window as
   * it stands, which counts where nobody has said anything.
   */
  reloadOn: {
    params: z.object({ reloadOn: reloadOnSchema, lastWord: z.boolean() }),
    result: z.object({ reloadOn: reloadOnSchema }),
  },
  /** The files that this client shows in editors, until it says otherwise or hangs up. Absolute paths. */
  openFiles: { params: z.object({ files: z.array(text).max(5000) }), result: z.object({}) },
  explain: { params: z.object({ file: text }), result: explanationSchema },
  /** The text that the server runs of a file that needs a restart to change; null when it is not known. Absolute path. */
  runningText: { params: z.object({ file: text }), result: z.object({ text: z.string().nullable() }) },
  /** Waits until every worker is gone; the master ends right after the answer. */
  stop: { params: z.object({}), result: stopReportSchema },
  /**
   * The editor is about to write a file: until `saved` tells that it has, what the file system says of the file is the
   * editor's doing. Absolute path.
   */
  saving: { params: z.object({ file: text, manual: z.boolean() }), result: z.object({}) },
  /** The editor saved a file: acts at once, without waiting for the file system to tell. Absolute path. */
  saved: { params: z.object({ file: text, manual: z.boolean() }), result: z.object({ acted: z.boolean() }) },
} as const;

export type ControlMethod = keyof typeof controlMethods;
export type ControlParams<M extends ControlMethod> = z.infer<(typeof controlMethods)[M]['params']>;
export type ControlResult<M extends ControlMethod> = z.infer<(typeof controlMethods)[M]['result']>;

/** Master to client, after `subscribe`: one per state change, figures at most once a second. */
export const SNAPSHOT_NOTIFICATION = 'snapshot';

export const errorCodes = [
  'usage',
  'no-server',
  'ambiguous',
  'already-running',
  'node-too-old',
  'port-taken',
  'bootstrap-error',
  'not-reloadable',
  'pending',
  'timeout',
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** `data` of a JSON-RPC error. */
export const errorDataSchema = z.object({ code: z.enum(errorCodes) });
