/** One build command, run by the shell as under `npm run`: its output, how far it is by that, its end. Knows nothing of groups. */
import { spawn, type ChildProcess } from 'node:child_process';
import { Readable, Transform } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { BuildProgress } from '../core/buildProgress.ts';
import { isWindows, killGroup, killTree, startFailure } from '../platform/processes.ts';
import type { LogBlock } from '../protocol/logs.ts';
import { buildFiles, newest } from './buildFiles.ts';
import type { Output } from './output.ts';

export interface BuildLaunch {
  readonly command: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Where what it writes goes. */
export interface BuildView {
  readonly output: Output;
  readonly errorOutput: Output;
  readonly prefix: string;
  /** It has told how far it is. */
  readonly onProgress: () => void;
  readonly keep: (stream: LogBlock['stream'], lines: Buffer) => void;
}

/** What is still in its pipes when it has ended is read for so long: a process that left its group may hold them open. */
const UNREAD_MS = 1000;
/** The clock of a file system is a little behind. */
const CLOCK_MS = 20;

export class BuildProcess {
  readonly command: string;
  readonly cwd: string;
  readonly pid: number | undefined;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  /** The same once it has. */
  end: string | undefined;
  /** The wall clock's time of that. */
  endedAt = Infinity;
  /** The build that failed last has written its outputs all the same; see `wrote`. */
  hasWritten = false;
  /** In the wall clock's time. */
  readonly progress = new BuildProgress();
  readonly startedAt = Date.now();
  isKilled = false;
  private readonly child: ChildProcess;
  private readonly outputs: readonly Readable[];

  constructor({ command, cwd, env }: BuildLaunch) {
    this.command = command;
    this.cwd = cwd;
    this.child = spawn(command, {
      cwd,
      env,
      shell: true,
      // Standard input stays open: esbuild and rollup take its end for the wish to stop.
      stdio: ['pipe', 'pipe', 'pipe'],
      // As the workers: what it starts ends with it, and Ctrl+C reaches the master alone.
      detached: !isWindows,
      windowsHide: true,
    });
    this.pid = this.child.pid;
    // Without a descriptor left for a process there are no pipes either.
    const { stdout, stderr } = this.child;
    this.outputs = [stdout ?? Readable.from([]), stderr ?? Readable.from([])];
    this.child.stdin?.on('error', () => undefined);
    this.ended = new Promise((done) => {
      const end = (how: string): void => {
        this.end ??= how;
        this.endedAt = Math.min(this.endedAt, Date.now());
        done(this.end);
      };
      this.child.once('error', (error) => {
        if (this.pid === undefined) end(startFailure(error, cwd));
      });
      this.child.once('close', (code, signal) =>
        end(signal === null ? `ended with code ${code ?? '?'}` : `was ended by ${signal}`),
      );
    });
    this.child.once('exit', () => this.onExit());
  }

  /** Shows what it writes. */
  show({ output, errorOutput, prefix, onProgress, keep }: BuildView): void {
    const [stdout, stderr] = this.outputs as [Readable, Readable];
    const take = (stream: LogBlock['stream'], lines: Buffer): void => {
      keep(stream, lines);
      const texts = stripVTControlCharacters(lines.toString()).split('\n').slice(0, -1);
      const news = texts.filter((text) => this.progress.line(text.trimEnd(), Date.now()));
      if (news.length > 0) onProgress();
    };
    output.follow(stdout.pipe(withoutClearing()), () => ({ prefix, keep: (lines) => take('stdout', lines) }));
    errorOutput.follow(stderr.pipe(withoutClearing()), () => ({ prefix, keep: (lines) => take('stderr', lines) }));
  }

  /** Whether the build that failed has written its outputs all the same, as compilers do when only types are wrong. */
  async wrote(outputFolders: readonly string[]): Promise<boolean> {
    const { progress } = this;
    const { since, reactedAt } = progress;
    if (!progress.isOfTypes) return (this.hasWritten = false);
    const last = newest((await buildFiles(this.cwd, outputFolders)).outputs);
    // Of another build meanwhile it is not known yet.
    if (progress.since !== since) return this.hasWritten;
    return (this.hasWritten = last !== undefined && last.writtenAt >= reactedAt - CLOCK_MS);
  }

  /** Ends it and everything it started, at once. */
  kill(): void {
    if (this.pid === undefined || this.end !== undefined) return;
    this.isKilled = true;
    killTree(this.pid);
    // It may have ended by itself a moment ago.
    if (this.child.exitCode !== null || this.child.signalCode !== null) this.closeOutputs();
  }

  private onExit(): void {
    // Its children end with it; the group is still there as long as one of them lives.
    if (this.pid !== undefined && !isWindows) killGroup(this.pid);
    if (this.isKilled) this.closeOutputs();
    else setTimeout(() => this.closeOutputs(), UNREAD_MS).unref();
  }

  private closeOutputs(): void {
    for (const stream of this.outputs) stream.destroy();
  }
}

const ESCAPE = '\u001b';
/** Compilers clear the screen before each build: here it is not theirs alone. */
const CLEARING = new RegExp(`${ESCAPE}(?:c|\\[[0-3]?J|\\[(?:1;1)?H)`, 'g');

function withoutClearing(): Transform {
  return new Transform({
    // One character for each byte.
    transform: (chunk: Buffer, _encoding, done) =>
      done(null, Buffer.from(chunk.toString('latin1').replace(CLEARING, ''), 'latin1')),
  });
}
