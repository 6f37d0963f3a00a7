/**
 * The start options as they are defined now, against those that the server runs with. The task's definition is the
 * editor's to read; it tells of it, and what differs is flagged until it is undone or a restart has applied it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { optionChanges, restartOptions, type Started } from '../core/optionChanges.ts';
import { digestOf } from '../protocol/digest.ts';
import type { StartOptions } from '../protocol/startOptions.ts';
import type { Explanation, NeedsRestart, OptionChange } from '../protocol/status.ts';
import type { TaskOptions } from '../protocol/taskStart.ts';
import { UserError } from '../protocol/userError.ts';
import type { Facts, StartedWith } from './facts.ts';
import type { MasterParts } from './loop.ts';
import type { Terminal } from './terminal.ts';

interface Wanted {
  readonly told: TaskOptions;
  readonly options: StartOptions;
}

export class WantedOptions {
  private readonly facts: Facts;
  private readonly readWords: MasterParts['readWords'];
  private readonly terminal: Terminal;
  private wanted: Wanted | undefined;
  private flagged: NeedsRestart | undefined;
  private tellings = 0;

  constructor(facts: Facts, { readWords, terminal }: Pick<MasterParts, 'readWords' | 'terminal'>) {
    this.facts = facts;
    this.readWords = readWords;
    this.terminal = terminal;
  }

  /** Another one after each telling that changes something: a restart that began before must not be joined. */
  get version(): number {
    return this.tellings;
  }

  get flag(): NeedsRestart | undefined {
    return this.flagged;
  }

  /** @throws UserError `usage` when the server could not be started like that, or no task has started it */
  tell(told: TaskOptions): OptionChange[] {
    if (!this.facts.startedWith.task)
      throw new UserError('usage', 'No task has started this server: its options are those of its command line.');
    const [start, ...words] = told.args;
    if (start !== 'start') throw new UserError('usage', 'args: begin with "start".');
    if (!existsSync(told.cwd)) throw new UserError('usage', `There is no folder ${told.cwd} to start in.`);
    const options = this.readWords(words, told.cwd);
    if (JSON.stringify(told) !== JSON.stringify(this.wanted?.told)) this.tellings += 1;
    this.wanted = { told, options };
    this.compare();
    return this.flagged?.options ?? [];
  }

  /** What is wanted, or what runs, is another now. */
  compare(): void {
    if (!this.wanted) return;
    const { told, options } = this.wanted;
    const before = this.flagged;
    const line = (name: string): number | null => told.lines[name] ?? told.lines[''] ?? null;
    const changes = optionChanges(this.running(), this.startedNow()).map((change) => ({
      ...change,
      line: line(change.name),
    }));
    if (changes.length === 0) {
      this.flagged = undefined;
      return;
    }
    const file = this.facts.display(realPath(told.file));
    this.flagged = {
      file,
      reason: 'options',
      since: before?.since ?? new Date().toISOString(),
      chain: [file],
      groups: [],
      digest: digestOf(JSON.stringify([options, told.env, told.node])),
      changed: null,
      options: changes,
    };
    if (!before) this.terminal.optionsChanged(file, changes);
  }

  /** A file that no process has to do with may still say how the server is started. */
  explain(path: string, explanation: Explanation): Explanation {
    const { task } = this.facts.startedWith;
    if (!task || explanation.verdict !== 'none' || !this.wanted || path !== realPath(this.wanted.told.file))
      return explanation;
    const { file } = explanation;
    const reason = `Saving it needs a restart where it changes the task "${task.name}", which started the server.`;
    return { file, verdict: 'restart', groups: [], reason, chain: [file] };
  }

  /** What the next restart starts everything with. */
  next(): StartedWith {
    const { startedWith } = this.facts;
    if (!this.wanted) return startedWith;
    const { told, options } = this.wanted;
    const environment = { ...startedWith.environment };
    for (const name of startedWith.task?.env ?? []) delete environment[name];
    return {
      options: restartOptions(startedWith.options, options),
      environment: { ...environment, ...told.env },
      task: startedWith.task && { ...startedWith.task, env: Object.keys(told.env) },
    };
  }

  private running(): Started {
    const { options, environment, task } = this.facts.startedWith;
    const names = new Set([...(task?.env ?? []), ...Object.keys(this.wanted?.told.env ?? {})]);
    return {
      options,
      env: Object.fromEntries([...names].map((name) => [name, environment[name]])),
      node: task?.node,
    };
  }

  private startedNow(): Started {
    const { told, options } = this.wanted!;
    return { options, env: told.env, node: told.node };
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
