/** What the commands of a script come to: servers to run, builders to keep running, and what is not ours. */
import { join } from 'node:path/posix';
import type { Folder } from './folder.ts';

export interface Server {
  /** The folder it runs in, relative to where detection began; `.` or `apps/api`. */
  readonly folder: string;
  /** Relative to that folder. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly nodeArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envFiles: readonly EnvFile[];
  readonly exclude: readonly string[];
}

export interface EnvFile {
  readonly path: string;
  readonly optional: boolean;
}

export interface Build {
  /** The folder it runs in, as of a server. */
  readonly folder: string;
  readonly command: string;
}

export interface Plan {
  readonly servers: readonly Server[];
  /** Commands that watch sources and write what a server runs. */
  readonly builds: readonly Build[];
  /** Tools that reload by themselves. */
  readonly own: readonly string[];
  /** What runs beside or behind a server and is left out. */
  readonly beside: readonly string[];
  /** What would run first and is not known. */
  readonly before: readonly string[];
  /** Why a part could not be read. */
  readonly problems: readonly string[];
}

export const NOTHING: Plan = { servers: [], builds: [], own: [], beside: [], before: [], problems: [] };

export function merge(...plans: readonly Plan[]): Plan {
  const all = <K extends keyof Plan>(key: K): Plan[K] => plans.flatMap((plan) => [...plan[key]]) as unknown as Plan[K];
  return {
    servers: all('servers'),
    builds: all('builds').filter(
      (build, index, builds) => builds.findIndex((other) => isSameBuild(build, other)) === index,
    ),
    own: all('own'),
    beside: all('beside'),
    before: all('before'),
    problems: all('problems'),
  };
}

function isSameBuild(a: Build, b: Build): boolean {
  return a.folder === b.folder && a.command === b.command;
}

export function buildPlan({ at }: Context, command: string): Plan {
  return { ...NOTHING, builds: [{ folder: at, command }] };
}

/** Where and with what a command runs. */
export interface Context {
  readonly folder: Folder;
  /** Relative to where detection began. */
  readonly at: string;
  readonly env: Readonly<Record<string, string>>;
  readonly envFiles: readonly EnvFile[];
  /** Scripts on the way here, so that none is followed twice. */
  readonly trail: readonly string[];
}

export function inFolder(context: Context, folder: string): Context {
  return { ...context, at: join(context.at, folder) };
}

export function serverPlan(
  context: Context,
  server: Pick<Server, 'entry'> & Partial<Server>,
  more: Partial<Plan> = {},
): Plan {
  const complete: Server = {
    folder: context.at,
    args: [],
    nodeArgs: [],
    exclude: [],
    ...server,
    env: { ...context.env, ...server.env },
    envFiles: [...context.envFiles, ...(server.envFiles ?? [])],
  };
  return { ...NOTHING, ...more, servers: [complete] };
}
