/** What the parts of the master have in common: what is known, and the one queue that everything goes through. */
import type { Event } from '../core/events.ts';
import type { ScriptStart, StartOptions } from '../protocol/startOptions.ts';
import type { TaskStart } from '../protocol/taskStart.ts';
import type { Report } from '../protocol/workerMessages.ts';
import type { Counting } from './counting.ts';
import type { Facts } from './facts.ts';
import type { ProcessFiles } from './files.ts';
import type { Logger } from './logger.ts';
import type { NodeBinary } from './nodeVersion.ts';
import type { Output } from './output.ts';
import type { RegistryFile } from './registryEntry.ts';
import type { Terminal } from './terminal.ts';

/** What a master is built of and does not change. */
export interface MasterParts {
  readonly options: StartOptions;
  /** What started it, where that was a task. */
  readonly task: TaskStart | undefined;
  /** What it was read from, where no file was named. */
  readonly script: ScriptStart | undefined;
  /**
   * Reads the words of a command line, what follows `start`.
   *
   * @throws UserError `usage`
   */
  readonly readWords: (words: readonly string[], cwd: string) => StartOptions;
  /** The bootstrap script's own name replaces it. */
  readonly name: string;
  readonly node: NodeBinary;
  readonly registry: RegistryFile;
  readonly output: Output;
  readonly errorOutput: Output;
  readonly terminal: Terminal;
  readonly log: Logger;
  /** Added to the environment of every worker. */
  readonly extraEnv: NodeJS.ProcessEnv;
}

export interface Loop {
  readonly parts: MasterParts;
  readonly facts: Facts;
  readonly counting: Counting;
  /** The definition is known: its groups start, once what they run has been built. */
  begin(as: 'start' | 'declared'): void;
  /** Hands an event to the core and carries out what it decides; within such a step: right after it. */
  enqueue(event: Event): void;
  /** The same from a place that must be left first. */
  enqueueLater(event: Event): void;
  /** ms on the core's clock. */
  now(): number;
  /** What the snapshot shows is another now. */
  changed(): void;
  /** What files on disk mean may be another now: of this one, which has changed, or of all, since what runs has. */
  reconsiderFiles(file?: string): void;
  watch(file: string): void;
  /** A process has told of files. */
  takeReport(files: ProcessFiles, report: Report): void;
  /** Ends everything: the first start has shown that the server cannot run. */
  abort(error: unknown): void;
}
