/**
 * What a bootstrap script declares, as the bootstrap host reports it to the master: plain JSON, checked here with errors
 * that name the path of the option and the legal values.
 */
import * as z from 'zod';
import { reloadOnSchema } from './status.ts';

const durationText = /^(\d+(?:\.\d+)?)(ms|s|m)?$/;

/** `500` (ms), `10s`, `2m`, or a number of milliseconds; undefined when it is none of these. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const match = durationText.exec(value.trim());
  if (!match) return undefined;
  const factor = { ms: 1, s: 1000, m: 60_000 }[match[2] ?? 'ms'] ?? 1;
  return Number(match[1]) * factor;
}

/** What `isServerName` asks for, to stand behind the name of the option. */
export const SERVER_NAME_RULE =
  'must be letters, digits, spaces or any of @/._- (at most 80; no mere number; not beginning with "-", "/" or a space)';

/** A name stands in terminals, rows and paths, and beside pids where a server is picked. */
export function isServerName(name: string): boolean {
  return /^[\p{L}\p{N}@._][\p{L}\p{N}\p{M}@/._ -]{0,79}$/u.test(name) && !/^\d+$|\s$/.test(name);
}

const noDuration = 'must be a duration: a number of milliseconds, or text such as "10s" or "2m"';

const duration = z.union([z.number(), z.string()], noDuration).transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: noDuration });
  return z.NEVER;
});

const workerCount = z.union(
  [z.number().int().min(1).max(1024), z.literal('max')],
  'must be a whole number from 1 to 1024, or "max"',
);
const globs = z.array(z.string());
const envFiles = z.union(
  [z.string().transform((file) => [file]), z.array(z.string())],
  'must be a path or a list of paths',
);
const stringMap = z.record(z.string(), z.string());

export const MOST_SPARES = 16;

export const groupOptionsSchema = z.strictObject({
  entry: z.string().min(1),
  workers: workerCount.default(1),
  reloadable: z.boolean().default(true),
  order: z.enum(['auto', 'start-first', 'stop-first']).default('auto'),
  drainTimeout: duration.default(10_000),
  bootTimeout: duration.default(30_000),
  spares: z.number().int().min(0).max(MOST_SPARES).optional(),
  include: globs.default([]),
  exclude: globs.default([]),
  args: z.array(z.string()).default([]),
  env: stringMap.default({}),
  envFile: envFiles.default([]),
  nodeArgs: z.array(z.string()).default([]),
  cwd: z.string().optional(),
  build: z.string().optional(),
  unresponsiveAfter: duration.default(30_000),
  replaceUnresponsive: z.boolean().default(false),
  ready: z
    .union(
      [z.literal('auto'), z.literal('message'), z.strictObject({ http: z.string().startsWith('/') })],
      'must be "auto", "message" or { "http": "/path" }',
    )
    .default('auto'),
});

export const definitionSchema = z.strictObject({
  name: z.string().refine(isServerName, SERVER_NAME_RULE).optional(),
  envFile: envFiles.default([]),
  include: globs.default([]),
  exclude: globs.default([]),
  reloadOn: reloadOnSchema.optional(),
  groups: z
    .record(
      z.string().regex(/^[\w.-]+$/, 'a group name has letters, digits, ".", "_" and "-" only'),
      groupOptionsSchema,
    )
    .refine((groups) => Object.keys(groups).length > 0, 'at least one group is needed'),
});

export type GroupOptions = z.infer<typeof groupOptionsSchema>;
export type Definition = z.infer<typeof definitionSchema>;

/** One line for a person: `groups.web.workers: Invalid input: expected number, received string`. */
export function describeIssues(error: z.ZodError): string {
  const lines = error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return path === '' ? message : `${path}: ${message}`;
  });
  return lines.join('; ');
}
