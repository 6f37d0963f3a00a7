/**
 * The commands that build what the workers run, kept running beside them. What they write counts like any other change;
 * only a worker whose entry has never been written has to wait for it.
 */
import { statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Reaper } from '../platform/reaper.ts';
import { withBinFolders } from '../platform/searchPath.ts';
import { UserError, wholeFile } from '../protocol/userError.ts';
import { BuildProcess } from './buildProcess.ts';
import { withoutDebugger } from './debuggerEnv.ts';
import type { GroupDefinition, ServerDefinition } from './definitions.ts';
import type { Loop } from './loop.ts';

/** How often an entry that is still to be written is looked for: its folder need not be there yet to be watched. */
const LOOK_MS = 50;

export interface BuildsParts {
  readonly loop: Loop;
  readonly reaper: Reaper;
}

/** An entry that is not there yet, and what is to write it. */
interface Missing {
  readonly entry: string;
  readonly process: BuildProcess;
  readonly command: string;
}

export class Builds {
  private readonly parts: BuildsParts;
  private readonly loop: Loop;
  /** By folder and command: groups that are built by the same command share the process. */
  private readonly processes = new Map<string, BuildProcess>();
  private readonly leaving = new Set<BuildProcess>();
  private isStopped = false;

  constructor(parts: BuildsParts) {
    this.parts = parts;
    this.loop = parts.loop;
  }

  /** Starts the builds of the definition that do not run. */
  start(definition: ServerDefinition): void {
    for (const group of definition.groups.values()) this.processOf(group);
  }

  /** Whether a group has a build that has not written its entry. */
  isMissing({ groups }: ServerDefinition): boolean {
    return [...groups.values()].some(isUnbuilt);
  }

  /** Whether a build runs that writes the file, as far as that shows: what lies where the entry does is its output. */
  writes(file: string, { groups }: ServerDefinition): boolean {
    return [...groups.values()].some((group) => {
      const process = this.processes.get(keyOf(group));
      return process !== undefined && process.end === undefined && isOutput(file, group);
    });
  }

  /**
   * Resolves once the entries of all groups are there, or nobody waits for them any more.
   *
   * @throws UserError when a build ended before it wrote an entry
   */
  async written({ groups }: ServerDefinition, isOver: () => boolean): Promise<void> {
    const unbuilt = [...groups.values()].filter(isUnbuilt);
    const missing = unbuilt.flatMap((group): Missing[] => {
      const process = this.processOf(group);
      return process ? [{ entry: group.entry, process, command: group.options.build ?? '' }] : [];
    });
    for (const { entry, command } of missing)
      this.loop.parts.terminal.note(`waits until "${command}" has written ${this.loop.facts.display(entry)}`);
    await Promise.all(missing.map((one) => this.waitFor(one, isOver)));
  }

  /** Ends them all and starts those of the definition anew. */
  async restart(definition: ServerDefinition): Promise<void> {
    await this.end();
    this.start(definition);
  }

  /** Resolves once none is left; none is started from now on. */
  stop(): Promise<void> {
    this.isStopped = true;
    return this.end();
  }

  private async end(): Promise<void> {
    for (const process of this.processes.values()) {
      this.leaving.add(process);
      process.kill();
      void process.ended.then(() => this.leaving.delete(process));
    }
    this.processes.clear();
    await Promise.all([...this.leaving].map(({ ended }) => ended));
  }

  private async waitFor({ entry, process, command }: Missing, isOver: () => boolean): Promise<void> {
    for (let before: string | undefined; !this.isStopped && !isOver();) {
      const now = contentOf(entry);
      // A file that is being written grows.
      if (now !== undefined && now === before) return;
      if (now === undefined && process.end !== undefined && !process.isKilled)
        throw new UserError(
          'internal',
          `The build "${command}" ${process.end} and has not written ${this.loop.facts.display(entry)}`,
          wholeFile(entry),
        );
      before = now;
      await delay(LOOK_MS);
    }
  }

  private processOf(group: GroupDefinition): BuildProcess | undefined {
    const { build: command } = group.options;
    if (command === undefined || this.isStopped) return undefined;
    const key = keyOf(group);
    const present = this.processes.get(key);
    if (present && present.end === undefined) return present;
    const { extraEnv, output, errorOutput } = this.loop.parts;
    const env = withoutDebugger({ ...group.inherited, ...group.options.env, ...extraEnv });
    const process = new BuildProcess({ command, cwd: group.cwd, env: withBinFolders(env, group.cwd) });
    this.processes.set(key, process);
    if (process.pid !== undefined) this.parts.reaper.watch(process.pid);
    process.show(output, errorOutput, { prefix: this.loop.facts.options.prefix === 'never' ? '' : 'build | ' });
    void process.ended.then((how) => this.onEnded(process, command, how));
    return process;
  }

  private onEnded(process: BuildProcess, command: string, how: string): void {
    if (process.pid !== undefined) this.parts.reaper.forget(process.pid);
    if (process.isKilled) return;
    const then = `the build "${command}" ${how}; a restart runs it again`;
    this.loop.parts.terminal.note(then, how === 'ended with code 0' ? undefined : 'red');
  }
}

function keyOf({ cwd, options }: GroupDefinition): string {
  return `${cwd}\0${options.build}`;
}

/** In `dist`, where the entry is `dist/apps/api/main.js`. */
function isOutput(file: string, { entry, cwd }: GroupDefinition): boolean {
  const [top = '', ...deeper] = relative(cwd, entry).split(sep);
  if (deeper.length === 0) return file === entry;
  return file.startsWith((top === '..' ? dirname(entry) : join(cwd, top)) + sep);
}

function isUnbuilt({ entry, options }: GroupDefinition): boolean {
  return options.build !== undefined && contentOf(entry) === undefined;
}

/** Differs while the file is being written; undefined where it is not there or holds nothing yet. */
function contentOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined || stat.size === 0 ? undefined : `${stat.size} ${stat.mtimeMs}`;
}
