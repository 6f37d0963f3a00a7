/**
 * The commands that build what the workers run, kept running beside them. What they write counts like any other change;
 * workers wait only for an entry that has never been written, and at the first start for outputs that are older than
 * their sources.
 */
import { statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Reaper } from '../platform/reaper.ts';
import { withBinFolders } from '../platform/searchPath.ts';
import { BUILD_PLACE } from '../protocol/logs.ts';
import type { BuildStatus, ErrorInfo } from '../protocol/status.ts';
import { UserError, wholeFile } from '../protocol/userError.ts';
import { buildFiles, newest } from './buildFiles.ts';
import { BuildProcess } from './buildProcess.ts';
import { freshness, type Freshness } from './buildFreshness.ts';
import { withoutDebugger } from './debuggerEnv.ts';
import type { GroupDefinition, ServerDefinition } from './definitions.ts';
import { plainError } from './errors.ts';
import type { Loop } from './loop.ts';
import { allFiles } from './meaning.ts';
import type { WorkerLogs } from './workerLogs.ts';

/** How often an entry that is still to be written is looked for: its folder need not be there yet to be watched. */
const LOOK_MS = 50;
/** A builder that does not tell how far it is has written what it was started for once it has been quiet for so long. */
const SILENT_MS = 5000;

export interface BuildsParts {
  readonly loop: Loop;
  readonly reaper: Reaper;
  readonly logs: WorkerLogs;
}

/** A build that workers wait for. */
interface Awaited {
  readonly group: GroupDefinition;
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

  /** Whether a group has a build. */
  isThere({ groups }: ServerDefinition): boolean {
    return [...groups.values()].some(({ options }) => options.build !== undefined);
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

  commands(): string[] {
    return [...this.processes.values()].map(({ command }) => command);
  }

  /** Whether one of them has told that it builds, and not yet that it is through. */
  isBuilding(): boolean {
    return [...this.processes.values()].some(({ end, progress }) => end === undefined && progress.phase === 'building');
  }

  /** What a snapshot says of them. */
  status({ groups }: ServerDefinition): BuildStatus[] {
    return [...this.processes].map(([key, process]) => {
      const users = [...groups.values()].filter((group) => keyOf(group) === key);
      const { progress, end } = process;
      const hasWritten = progress.phase === 'failed' && process.hasWritten;
      const state = hasWritten ? 'built' : progress.phase === 'quiet' ? 'running' : progress.phase;
      const since = end !== undefined ? process.endedAt : progress.since || process.startedAt;
      return {
        command: process.command,
        groups: users.map(({ name }) => name),
        pid: end === undefined ? (process.pid ?? null) : null,
        state: end === undefined ? state : 'ended',
        since: new Date(since).toISOString(),
        error: this.errorOf(process),
        end: end ?? null,
      };
    });
  }

  /** How what is on disk of the sources stands to the outputs. */
  async freshness({ groups }: ServerDefinition): Promise<Freshness> {
    for (const [key, process] of this.processes) {
      const users = [...groups.values()].filter((group) => keyOf(group) === key);
      const found = await freshness(process, {
        outputFolders: users.map(outputFolder),
        loaded: new Set(allFiles(this.loop.facts).flatMap(({ loaded }) => [...loaded.keys()])),
        isOwn: (file) => allFiles(this.loop.facts).some(({ written }) => written.has(file)),
        display: (file) => this.loop.facts.display(file),
        error: () => this.errorOf(process),
      });
      if (found.is !== 'fresh') return found;
    }
    return { is: 'fresh' };
  }

  /**
   * Resolves once the entries of all groups are there, or nobody waits for them any more.
   *
   * @throws UserError when a build ended before it wrote an entry
   */
  async written({ groups }: ServerDefinition, isOver: () => boolean): Promise<void> {
    const awaited = this.awaited([...groups.values()].filter(isUnbuilt));
    for (const { group, command } of awaited)
      this.loop.parts.terminal.note(`waits until "${command}" has written ${this.loop.facts.display(outputOf(group))}`);
    await Promise.all(awaited.map((one) => this.waitFor(one, isOver)));
  }

  /**
   * The same at the first start, when what an earlier run has built may be old: resolves once a first build is through
   * where a source has changed since.
   */
  async current(definition: ServerDefinition, isOver: () => boolean): Promise<void> {
    const built = this.awaited([...definition.groups.values()].filter((group) => !isUnbuilt(group)));
    await Promise.all([this.written(definition, isOver), ...built.map((one) => this.waitForNew(one, isOver))]);
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

  private awaited(groups: readonly GroupDefinition[]): Awaited[] {
    return groups.flatMap((group): Awaited[] => {
      const process = this.processOf(group);
      return process ? [{ group, process, command: process.command }] : [];
    });
  }

  private async waitFor({ group, process, command }: Awaited, isOver: () => boolean): Promise<void> {
    const output = outputOf(group);
    for (let before: string | undefined; !this.isStopped && !isOver();) {
      const now = contentOf(output);
      // A file that is being written grows.
      if (now !== undefined && now === before) return;
      if (now === undefined && process.end !== undefined && !process.isKilled)
        throw new UserError(
          'internal',
          `The build "${command}" ${process.end} and has not written ${this.loop.facts.display(output)}${remedyFor(process.end)}`,
          wholeFile(output),
        );
      before = now;
      await delay(LOOK_MS);
    }
  }

  /** What it wrote before serves on where the build fails, or ends. */
  private async waitForNew(awaited: Awaited, isOver: () => boolean): Promise<void> {
    const { group, process, command } = awaited;
    const { terminal } = this.loop.parts;
    const { sources, outputs } = await buildFiles(process.cwd, [outputFolder(group)]);
    const [source, output] = [newest(sources), newest(outputs)];
    if (!source || !output || source.writtenAt <= output.writtenAt) return;
    terminal.note(`waits for "${command}": ${this.loop.facts.display(source.file)} is newer than what was built`);
    const { progress } = process;
    const isThrough = (): boolean => {
      if (process.end !== undefined || progress.phase === 'built' || progress.phase === 'failed') return true;
      return progress.phase === 'quiet' && Date.now() - Math.max(process.startedAt, progress.lastLineAt) >= SILENT_MS;
    };
    while (!isThrough() && !this.isStopped && !isOver()) await delay(LOOK_MS);
    if (progress.phase === 'failed' && !(await process.wrote([outputFolder(group)])))
      terminal.note(`the build has failed: ${group.name} starts with what was built before`, 'yellow');
    // It may have deleted all of it.
    await this.waitFor(awaited, isOver);
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
    const prefix = this.loop.facts.options.prefix === 'never' ? '' : 'build | ';
    const by = { ...BUILD_PLACE, build: command, generation: 0, pid: process.pid ?? null };
    process.show({
      output,
      errorOutput,
      prefix,
      onProgress: () => this.onProgress(process),
      keep: (stream, lines) => this.parts.logs.keep(by, stream, lines),
    });
    void process.ended.then((how) => this.onEnded(process, how));
    return process;
  }

  private onProgress(process: BuildProcess): void {
    this.loop.changed();
    if (process.progress.phase !== 'failed') return;
    const { groups } = this.loop.facts.definition;
    const users = [...groups.values()].filter((group) => this.processes.get(keyOf(group)) === process);
    void process.wrote(users.map(outputFolder)).then((hasWritten) => hasWritten && this.loop.changed());
  }

  private onEnded(process: BuildProcess, how: string): void {
    if (process.pid !== undefined) this.parts.reaper.forget(process.pid);
    if (process.isKilled) return;
    const then = `the build "${process.command}" ${how}; a restart runs it again`;
    this.loop.parts.terminal.note(then, how === 'ended with code 0' ? undefined : 'red');
    this.loop.changed();
  }

  private errorOf({ progress: { error }, cwd }: BuildProcess): ErrorInfo | null {
    if (!error) return null;
    const { message, file, line, column } = error;
    const path = file === null ? null : resolve(cwd, file);
    const isThere = path !== null && statSync(path, { throwIfNoEntry: false }) !== undefined;
    const place = isThere ? { file: this.loop.facts.display(path), line, column } : {};
    return { ...plainError('build-failed', message), ...place };
  }
}

/** What shells say of a command that there is not. */
function remedyFor(end: string): string {
  return end === 'ended with code 127' ? '. There is no such command: is what it runs installed?' : '';
}

function keyOf({ cwd, options }: GroupDefinition): string {
  return `${cwd}\0${options.build}`;
}

/** The file that is built: the entry, or where a package's program is that (`fastify start dist/app.js`), the file that it is given. */
function outputOf({ entry, cwd, options }: GroupDefinition): string {
  if (!entry.includes(`${sep}node_modules${sep}`)) return entry;
  const file = options.args.find((word) => /^[^-].*\/.*\.[mc]?js$/.test(word));
  return file === undefined ? entry : resolve(cwd, file);
}

/** `dist`, where the entry is `dist/apps/api/main.js`. */
function outputFolder(group: GroupDefinition): string {
  const { cwd } = group;
  const output = outputOf(group);
  const [top = '', ...deeper] = relative(cwd, output).split(sep);
  if (deeper.length === 0) return output;
  return top === '..' ? dirname(output) : join(cwd, top);
}

function isOutput(file: string, group: GroupDefinition): boolean {
  const folder = outputFolder(group);
  return file === folder || file.startsWith(folder + sep);
}

function isUnbuilt(group: GroupDefinition): boolean {
  return group.options.build !== undefined && contentOf(outputOf(group)) === undefined;
}

/** Differs while the file is being written; undefined where it is not there or holds nothing yet. */
function contentOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined || stat.size === 0 ? undefined : `${stat.size} ${stat.mtimeMs}`;
}
