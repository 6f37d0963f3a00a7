/** A process of a group from its start on: a spare that waits before its entry until a worker takes it, which may be at once. */
import type { Address } from '../protocol/status.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import type { Ahead } from './aheads.ts';
import { ProcessFiles } from './files.ts';
import type { Launch } from './launch.ts';
import type { HandleTaker } from './listeners.ts';
import type { Loop } from './loop.ts';
import type { Writer } from './output.ts';
import { WorkerProcess, type SocketHandle, type WorkerEvents } from './workerProcess.ts';

/** Whose lines they are that the process writes; undefined while that is not known, which is decided at last when there are too many (`isFull`). */
export type NameOfWriter = (stream: 'stdout' | 'stderr', isFull: boolean) => Writer | undefined;

export type Booted = Extract<FromWorker, { t: 'booted' }>;

export class GroupProcess implements HandleTaker {
  readonly launch: Launch;
  readonly process: WorkerProcess;
  readonly files = new ProcessFiles();
  /** Reads the end of what it wrote on stderr. */
  readonly stderrTail: () => string;
  /** What it said when it stood before its entry; null before. */
  booted: Booted | null = null;
  /** What it was told to load ahead of the program; undefined while nothing. */
  ahead: Ahead | undefined;
  /** How many files of packages it has loaded ahead; null while it does. */
  loadedAhead: number | null = 0;
  /** It ends, or has ended, since it cannot run the program as one that has loaded nothing ahead would. */
  isSpoiled = false;
  private readonly given = new Set<string>();
  private readonly outputs: readonly { readonly release: () => void }[];
  private writer: NameOfWriter = () => undefined;

  constructor(launch: Launch, loop: Loop, events: WorkerEvents) {
    this.launch = launch;
    this.process = new WorkerProcess(launch, events, loop.parts.log);
    const out = loop.parts.output.follow(this.process.stdout, (isFull) => this.writer('stdout', isFull));
    const errors = loop.parts.errorOutput.follow(this.process.stderr, (isFull) => this.writer('stderr', isFull));
    this.stderrTail = errors.tail;
    this.outputs = [out, errors];
  }

  /** A worker has taken it: what happens is the worker's from now on, and what it wrote so far as well. */
  takenBy(events: WorkerEvents, writer: NameOfWriter): void {
    this.process.listen(events);
    this.writer = writer;
    this.releaseOutput();
  }

  /** Lines that had no name yet may have one now. */
  releaseOutput(): void {
    for (const output of this.outputs) output.release();
  }

  /** It has ended before any worker took it: nobody will ask for what it wrote. */
  discardOutput(): void {
    this.process.stdout.destroy();
    this.process.stderr.destroy();
  }

  sendHandle(key: string, handle: SocketHandle): void {
    if (this.given.has(key)) return;
    this.given.add(key);
    this.process.send({ t: 'handle', key }, handle);
  }

  sendAddress(key: string, address: Address): void {
    if (this.given.has(key)) return;
    this.given.add(key);
    this.process.send({ t: 'accepted', key, address });
  }

  /** That it has ended says nothing of the program. */
  get isUnfit(): boolean {
    return this.isSpoiled || this.loadedAhead === null;
  }

  loadAhead(ahead: Ahead, compileCache: string | null): void {
    this.ahead = ahead;
    this.loadedAhead = null;
    this.process.send({ t: 'preload', ...ahead, compileCache });
  }

  forget(key: string): void {
    if (this.given.delete(key)) this.process.send({ t: 'forget', key });
  }
}
