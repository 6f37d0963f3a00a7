/**
 * The start options as they are defined now, against those that the server runs with. The task's definition is the
 * editor's to read; it tells of it. The script of a package.json that was started without an editor is read here. What
 * differs is flagged until it is undone or a restart has applied it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { optionChanges, restartOptions, type Started } from '../core/optionChanges.ts';
import { digestOf } from '../protocol/digest.ts';
import type { ScriptStart, StartOptions } from '../protocol/startOptions.ts';
import type { Explanation, NeedsRestart, OptionChange } from '../protocol/status.ts';
import type { TaskOptions } from '../protocol/taskStart.ts';
import { UserError } from '../protocol/userError.ts';
import type { Facts, StartedWith } from './facts.ts';
import type { MasterParts } from './loop.ts';
import { optionPlace } from './optionPlace.ts';
import type { Terminal } from './terminal.ts';

interface Wanted {
  readonly told: TaskOptions;
  readonly options: StartOptions;
}

interface Place {
  readonly file: string;
  readonly line: number | null;
}

export class WantedOptions {
  private readonly facts: Facts;
  private readonly script: MasterParts['script'];
  private readonly readWords: MasterParts['readWords'];
  private readonly terminal: Terminal;
  private wanted: Wanted | undefined;
  private flagged: readonly NeedsRestart[] = [];
  private tellings = 0;

  constructor(facts: Facts, parts: Pick<MasterParts, 'script' | 'readWords' | 'terminal'>) {
    const { script, readWords, terminal } = parts;
    this.facts = facts;
    // Of a task the editor tells.
    this.script = facts.startedWith.task ? undefined : script;
    this.readWords = readWords;
    this.terminal = terminal;
  }

  /** Another one after each telling that changes something: a restart that began before must not be joined. */
  get version(): number {
    return this.tellings;
  }

  /** One for each file that says something else. */
  get flags(): readonly NeedsRestart[] {
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
    this.want({ told, options });
    return this.flagged.flatMap((flag) => flag.options);
  }

  /** These files may have changed; null: any. */
  onFiles(files: ReadonlySet<string> | null): void {
    if (this.script && (files === null || files.has(this.script.file))) this.readScript(this.script);
  }

  private readScript({ file, words, cwd }: ScriptStart): void {
    try {
      const options = this.readWords(words, cwd);
      this.want({ told: { file, cwd, args: ['start', ...words], env: {}, lines: {} }, options });
    } catch {
      // Half written, or nothing that could be run: what was wanted before still is.
    }
  }

  private want(wanted: Wanted): void {
    if (JSON.stringify(wanted) !== JSON.stringify(this.wanted)) this.tellings += 1;
    this.wanted = wanted;
    this.compare();
  }

  /** What is wanted, or what runs, is another now. */
  compare(): void {
    if (!this.wanted) return;
    const { told, options } = this.wanted;
    const before = this.flagged;
    const changes = new Map<string, OptionChange[]>();
    for (const change of optionChanges(this.running(), this.startedNow())) {
      const { file, line } = this.placeOf(change.name, told);
      const shown = this.facts.display(realPath(file));
      changes.set(shown, [...(changes.get(shown) ?? []), { ...change, line }]);
    }
    this.flagged = [...changes].map(([file, ofFile]) => ({
      file,
      reason: 'options',
      since: before.find((flag) => flag.file === file)?.since ?? new Date().toISOString(),
      chain: [file],
      groups: [],
      digest: digestOf(JSON.stringify([options, told.env, told.node])),
      changed: null,
      options: ofFile,
    }));
    for (const { file, options: ofFile } of this.flagged)
      if (!before.some((flag) => flag.file === file)) this.terminal.optionsChanged(file, ofFile);
  }

  private placeOf(name: string, told: TaskOptions): Place {
    const elsewhere = told.elsewhere?.[name];
    if (elsewhere) return elsewhere;
    const { file } = told;
    const line = this.script
      ? optionPlace(file, ['scripts', this.script.name]).line
      : (told.lines[name] ?? told.lines[''] ?? null);
    return { file, line };
  }

  /** A file that no process has to do with may still say how the server is started. */
  explain(path: string, explanation: Explanation): Explanation {
    if (!this.wanted || path !== realPath(this.wanted.told.file)) return explanation;
    const { task } = this.facts.startedWith;
    const { file, verdict, reason } = explanation;
    const what = task
      ? `the task "${task.name}", which started the server`
      : `the script "${this.script?.name}", which the server runs`;
    if (verdict === 'none')
      return {
        ...explanation,
        verdict: 'restart',
        reason: `Saving it needs a restart where it changes ${what}.`,
        chain: [file],
      };
    return {
      ...explanation,
      verdict: verdict === 'restart' ? 'restart' : 'partial',
      reason: `${reason} Where it changes ${what}, that needs a restart.`,
    };
  }

  /** What the next restart starts everything with. */
  next(): StartedWith {
    const { startedWith } = this.facts;
    // A restart takes what is on disk, whether or not anybody has told of it.
    this.onFiles(null);
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
