/**
 * What a server that was started by a task of VS Code knows of that task: which one it is, and what it set itself. The
 * extension says so in the environment of its tasks, since what VS Code makes of their definition it does not tell.
 */
import * as z from 'zod';
import { MOST_SPARES } from './bootstrap.ts';

/** The name of the task. */
export const TASK_VARIABLE = 'GRACEFUL_RELOAD_TASK';
/** The Node that the task or a setting names. */
export const TASK_NODE_VARIABLE = 'GRACEFUL_RELOAD_TASK_NODE';
/** The names of the variables that the task sets, with commas between them; the values stand in the environment. */
export const TASK_ENV_VARIABLE = 'GRACEFUL_RELOAD_TASK_ENV';
/** How many spares a group has that does not say it, by a setting. */
export const TASK_SPARES_VARIABLE = 'GRACEFUL_RELOAD_TASK_SPARES';

export interface TaskStart {
  readonly name: string;
  /** As it was named; undefined where the first one on the PATH was taken. */
  readonly node: string | undefined;
  readonly env: readonly string[];
  /** Undefined where no setting says it. */
  readonly spares: number | undefined;
}

/** Takes the variables out of `env`, so that no process of the server inherits them; undefined when no task started it. */
export function takeTaskStart(env: NodeJS.ProcessEnv): TaskStart | undefined {
  const taken = [TASK_VARIABLE, TASK_NODE_VARIABLE, TASK_ENV_VARIABLE, TASK_SPARES_VARIABLE].map((variable) => {
    const value = env[variable];
    delete env[variable];
    return value;
  });
  const [name, node = '', names = '', spares = ''] = taken;
  if (name === undefined) return undefined;
  return {
    name,
    node: node === '' ? undefined : node,
    env: names.split(',').filter((one) => one !== ''),
    // Anything else that stands there comes from a setting that VS Code marks as wrong.
    spares: /^\d+$/.test(spares) ? Math.min(Number(spares), MOST_SPARES) : undefined,
  };
}

const text = z.string().max(4096);

/** The task as it is defined now, with its variables resolved. */
export const taskOptionsSchema = z.object({
  /** Where it is defined; absolute. */
  file: text,
  cwd: text,
  /** What follows `graceful-reload start`. */
  args: z.array(text).max(1000),
  env: z.record(text, text),
  node: text.optional(),
  /** By property: the line on which it stands in `file`; under the empty name that of the task itself. */
  lines: z.record(text, z.number().int().positive()).default({}),
  /** By property that is not said in `file`, but by a setting: where that stands. */
  elsewhere: z.record(text, z.object({ file: text, line: z.number().int().positive().nullable() })).optional(),
});
export type TaskOptions = z.infer<typeof taskOptionsSchema>;
