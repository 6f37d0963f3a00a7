/** What the master knows of the server it runs. Only the loop writes it; what follows from it is worked out by functions. */
import { relative } from 'node:path';
import type { Group } from '../core/pool.ts';
import { Supervisor } from '../core/supervisor.ts';
import { isWithin } from '../platform/within.ts';
import type { StartOptions } from '../protocol/startOptions.ts';
import type { TaskStart } from '../protocol/taskStart.ts';
import { plainDefinition, type ServerDefinition } from './definitions.ts';
import type { Worker } from '../core/workerState.ts';
import { NO_BOOTSTRAP, ProcessFiles, textsOf, type BootstrapFiles } from './files.ts';
import type { WorkerHandle } from './workerHandle.ts';

/** What the server is started with, which a restart may replace. */
export interface StartedWith {
  readonly options: StartOptions;
  /** What its processes inherit, before the bootstrap script has its say. */
  readonly environment: NodeJS.ProcessEnv;
  /** The task that started it. */
  readonly task: TaskStart | undefined;
}

export class Facts {
  startedWith: StartedWith;
  readonly core = new Supervisor();
  /** By the id of the worker. */
  readonly handles = new Map<number, WorkerHandle>();
  /** By group: of the worker whose failure rejected the last change. What it loaded is what a fix will change. */
  readonly attempts = new Map<string, ProcessFiles>();
  /** Wall clock at the zero of the core's clock. */
  readonly startedAt = Date.now();
  /** The definition in force. */
  definition: ServerDefinition;
  bootstrap: BootstrapFiles = NO_BOOTSTRAP;
  /** What a restart has evaluated and will put in force with its commit. */
  next:
    | {
        readonly definition: ServerDefinition;
        readonly bootstrap: BootstrapFiles;
        readonly startedWith: StartedWith;
      }
    | undefined;
  /** By group that does not reload: the text of its files. */
  private readonly fixedTexts = new Map<string, ReadonlyMap<string, string>>();
  /** What processes of the server write themselves. */
  readonly written = new Set<string>();
  /** Null until the first process has told whether the script declares groups. */
  isBootstrap: boolean | null = null;

  constructor(startedWith: StartedWith) {
    this.startedWith = startedWith;
    this.definition = plainDefinition(startedWith.options, startedWith.environment);
  }

  get options(): StartOptions {
    return this.startedWith.options;
  }

  /** Whether it is known which groups there are, and they have been started: before that nothing can be asked of them. */
  get hasBegun(): boolean {
    return this.isBootstrap !== null && this.core.generation > 0;
  }

  group(name: string): Group | undefined {
    return this.core.groups.find(({ spec }) => spec.name === name);
  }

  /** The text that runs of a file that only a restart brings up to date; undefined where it was not kept. */
  runningText(file: string): string | undefined {
    const kept = [this.bootstrap.texts, ...this.fixedTexts.values()];
    return kept.find((texts) => texts.has(file))?.get(file);
  }

  /** A worker of a group that does not reload has come up: what it runs stays until a restart. */
  keepFixedTexts({ id, group }: Worker): void {
    if (this.definition.groups.get(group)?.options.reloadable !== false) return;
    this.fixedTexts.set(group, textsOf(this.handles.get(id)?.files ?? new ProcessFiles()));
  }

  /** A path as it is shown: relative to the start folder where it lies below it. */
  display(path: string): string {
    const { cwd } = this.options;
    return path !== cwd && isWithin(path, cwd) ? relative(cwd, path) : path;
  }
}
