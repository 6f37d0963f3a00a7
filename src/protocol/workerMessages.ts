/** What the processes tell the master, checked when it arrives. The worker itself uses the types only: it must start fast. */
import * as z from 'zod';
import { addressSchema } from './status.ts';

const count = z.number().int().nonnegative();

/** A file of a package that a file of the project asked for while the program started. */
export const dependencySchema = z.object({
  file: z.string(),
  /** As an ES module is named; it may have a query. */
  url: z.string(),
  /** The file of the project. */
  from: z.string(),
  /** By `import`, else by `require`. */
  isImport: z.boolean(),
  /** What the program had changed by then of what a package can see while it is loaded: `globalThis.x`, `env:NAME` … */
  changed: z.array(z.string()),
});
export type Dependency = z.infer<typeof dependencySchema>;

export const fromWorkerSchema = z.discriminatedUnion('t', [
  /** The preload stands at the gate before the entry. */
  z.object({
    t: z.literal('booted'),
    reports: count,
    fallback: z.enum(['connection-close']).nullable(),
    /** Where the inspector listens that a debugger has opened past the master. */
    inspector: z.string().nullable(),
  }),
  /** What was asked to be loaded ahead is loaded: so many packages' files, in so many milliseconds. */
  z.object({ t: z.literal('preloaded'), reports: count, dependencies: count, ms: z.number() }),
  /** The program has loaded what it needs to start; these are of packages. */
  z.object({ t: z.literal('dependencies'), dependencies: z.array(dependencySchema), isCommonJs: z.boolean() }),
  /** With a handle: the program bound an address itself; the master keeps a copy for all later workers. */
  z.object({ t: z.literal('donate'), key: z.string() }),
  /** The program wants an address that it could not bind: the master may hold it for this group, or binds it (Unix sockets). */
  z.object({
    t: z.literal('need'),
    id: count,
    key: z.string(),
    protocol: z.enum(['tcp', 'unix']),
    host: z.string().nullable(),
    port: z.number().nullable(),
    backlog: z.number().nullable(),
    code: z.string().nullable(),
  }),
  /** `reports`: how many report lines were written before; the master reads these first. */
  z.object({ t: z.literal('listening'), key: z.string(), address: addressSchema, isTls: z.boolean(), reports: count }),
  z.object({ t: z.literal('unlistened'), key: z.string() }),
  /** What the program had begun when it listened, on the last address that it told of, has had its first outcome. */
  z.object({ t: z.literal('settled') }),
  z.object({ t: z.literal('evaluated'), reports: count }),
  /** With a handle: an idle connection that another worker may go on with. */
  z.object({ t: z.literal('connection'), key: z.string(), remainingMs: z.number().nullable() }),
  /** The connection of that id is in the worker's hands, or (it no longer listens) must go to another one. */
  z.object({ t: z.literal('adopted'), id: count, isAdopted: z.boolean() }),
  z.object({
    t: z.literal('drained'),
    moved: count,
    closed: z.object({ tls: count, http2: count, websocket: count, sse: count, tcp: count }),
    forced: count,
  }),
  /** The entry is a bootstrap script, or (role `bootstrap`) is not one. */
  z.object({
    t: z.literal('declared'),
    reports: count,
    /** Undefined: the file does not declare groups. */
    definition: z.unknown(),
    env: z.record(z.string(), z.string()),
    cwd: z.string(),
  }),
  z.object({ t: z.literal('turned') }),
  /** The program starts workers of its own, with `node:cluster`. */
  z.object({ t: z.literal('cluster') }),
  /** Where the inspector listens; null: it cannot be opened. */
  z.object({ t: z.literal('inspecting'), url: z.string().nullable() }),
  z.object({
    t: z.literal('figures'),
    requests: count,
    inFlight: count,
    connections: count,
    rss: count,
    cpu: z.number(),
    eventLoopLagMs: z.number(),
  }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;

/** Written by a thread of the process, not by its main thread: not part of the number that messages count reports by. */
const thread = z.boolean().optional();

export const reportSchema = z.discriminatedUnion('r', [
  /** A module was loaded. `hash` is of the bytes on disk just before the load; null for what is not hashed (node_modules). */
  z.object({ r: z.literal('load'), file: z.string(), hash: z.string().nullable(), thread }),
  /** `parent` asked for `specifier` and got `file`. `line`: of the call, where no import in the source would tell. */
  z.object({
    r: z.literal('edge'),
    parent: z.string().nullable(),
    file: z.string(),
    specifier: z.string(),
    line: z.number().optional(),
    thread,
  }),
  /** The program read a file before it was ready, at that line of `parent`. `hash` is of the content just before, or says that there was none. */
  z.object({
    r: z.literal('read'),
    file: z.string(),
    hash: z.string(),
    parent: z.string().nullable(),
    line: z.number().nullable(),
    thread,
  }),
  /** The program listed a folder before it was ready. `names`: what was in it just before. */
  z.object({ r: z.literal('list'), folder: z.string(), names: z.array(z.string()), thread }),
  /** The program writes, moves or removes the file itself. */
  z.object({ r: z.literal('write'), file: z.string(), thread }),
  /** A package in that `node_modules` folder was loaded. */
  z.object({ r: z.literal('packages'), folder: z.string(), thread }),
  /** `parent` asked for `specifier` and nothing was there; `near` is where a file would have to appear. */
  z.object({
    r: z.literal('missing'),
    parent: z.string().nullable(),
    specifier: z.string(),
    near: z.string().nullable(),
    thread,
  }),
  /** What the process loaded ahead may not be what the program would have loaded: it ends at once, for another to run the program. */
  z.object({ r: z.literal('cold'), why: z.string(), leaveOut: z.array(z.string()), thread }),
  /** A process with an inspector is about to end; it waits for its debugger to let go. */
  z.object({ r: z.literal('exiting'), thread }),
  /** An uncaught error, told before the process ends from it. */
  z.object({
    r: z.literal('error'),
    message: z.string(),
    stack: z.string().nullable(),
    code: z.string().nullable(),
    thread,
  }),
]);
export type Report = z.infer<typeof reportSchema>;
