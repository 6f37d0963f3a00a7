/**
 * PM2's `ecosystem.config.js`, read as a definition of ours. What changes how a program runs is kept, or refused with the
 * reason; what only PM2's own reload, logs and monitoring need is left out. Options as PM2 documents them:
 * https://pm2.keymetrics.io/docs/usage/application-declaration/
 */
import { availableParallelism } from 'node:os';
import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { parse } from 'shell-quote';
import * as z from 'zod';
import { definitionSchema, type Definition } from './bootstrap.ts';

const words = z.union(
  [
    z.array(z.string()),
    z.string().transform((text) => parse(text).filter((word): word is string => typeof word === 'string')),
  ],
  'must be text or a list of texts',
);
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const appSchema = z
  .looseObject({
    name: z.string().optional(),
    script: z.string().min(1),
    cwd: z.string().optional(),
    args: words.default([]),
    node_args: words.default([]),
    interpreter_args: words.default([]),
    interpreter: z.string().default('node'),
    instances: z.union([z.literal('max'), z.coerce.number().int()], 'must be a whole number or "max"').default(1),
    env: z.record(z.string(), text).default({}),
    env_file: z.string().optional(),
    wait_ready: z.boolean().default(false),
    kill_timeout: z.union([z.number(), z.string()]).optional(),
    listen_timeout: z.union([z.number(), z.string()]).optional(),
    ignore_watch: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
  })
  .superRefine((app, { addIssue }) => {
    const refuse = (path: string, message: string): void => addIssue({ code: 'custom', path: [path], message });
    for (const key of ['cron_restart', 'cron'])
      if (app[key] !== undefined && app[key] !== false)
        refuse(key, 'restarts by the clock are for production; leave it to PM2 there');
    if (!['node', 'tsx'].includes(basename(app.interpreter)))
      refuse(
        'interpreter',
        `only programs of Node can be reloaded, and ${app.interpreter} is none it can be asked for`,
      );
  });
type App = z.infer<typeof appSchema>;

const ecosystemSchema = z.looseObject({ apps: z.array(appSchema).min(1) });

/** @param file the ecosystem file: what is relative in it is so to its folder, or to an app's `cwd` */
export function readEcosystem(exported: unknown, file: string): z.ZodSafeParseResult<Definition> {
  const folder = dirname(file);
  const asDefinition = ({ apps }: z.infer<typeof ecosystemSchema>): object => {
    const groups = new Map<string, object>();
    for (const app of apps) groups.set(freeName(app, groups), groupOf(app, folder));
    return { groups: Object.fromEntries(groups) };
  };
  return ecosystemSchema.transform(asDefinition).pipe(definitionSchema).safeParse(exported);
}

function groupOf(app: App, folder: string): object {
  const cwd = resolve(folder, app.cwd ?? '.');
  const loader = basename(app.interpreter) === 'tsx' ? ['--import', 'tsx'] : [];
  return {
    entry: resolve(cwd, app.script),
    cwd,
    workers: typeof app.instances === 'number' && app.instances > 0 ? app.instances : allBut(app.instances),
    args: app.args,
    nodeArgs: [...loader, ...app.node_args, ...app.interpreter_args],
    env: app.env,
    ...(app.env_file === undefined ? {} : { envFile: resolve(cwd, app.env_file) }),
    ...(app.wait_ready ? { ready: 'message' } : {}),
    ...(app.kill_timeout === undefined ? {} : { drainTimeout: app.kill_timeout }),
    ...(app.listen_timeout === undefined ? {} : { bootTimeout: app.listen_timeout }),
    exclude: app.ignore_watch.flatMap((pattern) => globsOf(relative(folder, resolve(cwd, pattern)))),
  };
}

/** 0 means as many as there are cores, -1 one less. */
function allBut(instances: 'max' | number): 'max' | number {
  return instances === 'max' || instances === 0 ? 'max' : Math.max(1, availableParallelism() + instances);
}

/** A folder means all that is in it. */
function globsOf(path: string): string[] {
  const glob = path.split(sep).join('/');
  return /[*?[{]/.test(glob) ? [glob] : [glob, `${glob}/**`];
}

/** PM2 takes any text, and the same one twice. */
function freeName({ name, script }: App, taken: ReadonlyMap<string, object>): string {
  const wanted = (name ?? basename(script, extname(script))).replace(/[^\w.-]+/g, '-');
  let free = wanted;
  for (let count = 2; taken.has(free); count++) free = `${wanted}-${count}`;
  return free;
}
