/** What the master knows of one worker beyond its state: process, loaded files, readiness, figures, why it ended. */
import { readiness, type Readiness, type ReadyWish } from '../core/readiness.ts';
import type { Worker } from '../core/workerState.ts';
import type { Address, ErrorInfo } from '../protocol/status.ts';
import type { FromWorker, Report } from '../protocol/workerMessages.ts';
import { Debuggee } from './debuggee.ts';
import { errorInfo, failureBefore, plainError, REFUSED_FLAGS, type Failure } from './errors.ts';
import type { Ahead } from './aheads.ts';
import type { ProcessFiles } from './files.ts';
import type { GroupProcess } from './groupProcess.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Receiver } from './listeners.ts';
import type { SocketHandle, WorkerProcess } from './workerProcess.ts';

export interface Figures {
  readonly requests: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly rss: number;
  readonly cpu: number;
  readonly eventLoopLagMs: number;
}

const NO_FIGURES: Figures = { requests: 0, inFlight: 0, connections: 0, rss: 0, cpu: 0, eventLoopLagMs: 0 };

export class WorkerHandle implements Receiver {
  readonly worker: Worker;
  readonly started: GroupProcess;
  readonly startedAt = Date.now();
  readonly listening = new Set<string>();
  /** What it listens on or is about to. */
  readonly bound = new Set<string>();
  /** Where it speaks TLS. */
  readonly encrypted = new Set<string>();
  figures = NO_FIGURES;
  /** What it has loaded of packages in order to start, once it has told. */
  dependencies: Ahead | undefined;
  /** When its entry began to run, and when it was ready. */
  goneOnAt: number | undefined;
  readyAt: number | undefined;
  /** The reload that asked it to go. */
  drainedFor: number | null = null;
  /** While it serves. */
  heartbeat: Heartbeat | undefined;
  /** How long it may drain. */
  readonly drainMs: number;
  readonly debuggee: Debuggee;
  /** What the loop was told last: whether a debugger is connected. */
  isDebuggerTold = false;
  private readonly wish: ReadyWish;
  private evaluated = false;
  private settled = false;
  private announced = false;
  private answered = false;
  /** Its HTTP check is under way. */
  isAsked = false;
  private failure: Failure | null = null;
  /** It may be about to end over an address that it did not get. */
  private isRefused = false;
  /** Why it could not listen where it last wanted to. */
  private refusal: { readonly code: string; readonly message: string } | undefined;
  private readonly figureWaiters: (() => void)[] = [];

  constructor(
    worker: Worker,
    started: GroupProcess,
    wish: ReadyWish,
    drainMs: number,
    onDebugger: (handle: WorkerHandle) => void,
  ) {
    this.worker = worker;
    this.started = started;
    this.wish = wish;
    this.drainMs = drainMs;
    this.debuggee = new Debuggee(
      () => this.process.send({ t: 'inspect', breaks: this.debuggee.isAwaiting }),
      () => onDebugger(this),
    );
  }

  get process(): WorkerProcess {
    return this.started.process;
  }

  get files(): ProcessFiles {
    return this.started.files;
  }

  get fallback(): 'connection-close' | null {
    return this.started.booted?.fallback ?? null;
  }

  get id(): number {
    return this.worker.id;
  }

  grantAddress(id: number, address: Address): void {
    this.process.send({ t: 'granted', id, address });
  }

  grant(id: number, handle: SocketHandle | undefined, error?: { code: string; message: string }): void {
    this.refusal = error;
    if (error) this.isRefused = true;
    this.process.send({ t: 'granted', id, ...(error ? { error } : {}) }, handle);
    // Its answer tells that it has got over the error, whatever else it listens on.
    if (error) this.process.send({ t: 'turns' });
  }

  sendConnection(id: number, key: string, remainingMs: number | null, handle: SocketHandle): void {
    this.process.send({ t: 'connection', id, key, remainingMs }, handle);
  }

  takeReport(report: Report): void {
    if (report.r === 'error') this.failure = report;
  }

  takeFigures(message: Extract<FromWorker, { t: 'figures' }>): void {
    const { t: _t, ...figures } = message;
    this.figures = figures;
    for (const told of this.figureWaiters.splice(0)) told();
  }

  nextFigures(): Promise<void> {
    return new Promise((told) => this.figureWaiters.push(told));
  }

  onListening(key: string, isTls: boolean): void {
    this.bound.add(key);
    this.listening.add(key);
    this.settled = false;
    if (isTls) this.encrypted.add(key);
  }

  onTurn(): void {
    this.isRefused = false;
    this.heartbeat?.onTurn();
  }

  onEvaluated(): void {
    this.evaluated = true;
  }

  onSettled(): void {
    this.settled = true;
  }

  onAnnounced(): void {
    this.announced = true;
  }

  onAnswered(): void {
    this.answered = true;
  }

  readiness(): Readiness {
    const { listening, settled, evaluated, announced, answered } = this;
    if (this.isRefused) return { is: 'waiting' };
    return readiness({ listening, settled, evaluated, announced, answered }, this.wish);
  }

  /** Why the process ended. */
  exitError(code: number | null, signal: string | null, display: (path: string) => string): ErrorInfo {
    const how = signal !== null ? `was ended by ${signal}` : `exited with code ${code ?? '?'}`;
    const unsettled = code === UNSETTLED && signal === null ? ': a top-level await never settles' : '';
    const { state, group, slot } = this.worker;
    const { notStarted } = this.process;
    if (notStarted !== undefined) return plainError('rejected', `${group}#${slot} ${notStarted}`);
    const when = state.kind === 'starting' ? ' before it was ready' : '';
    const why = state.kind === 'unresponsive' ? ' while its event loop did not turn' : '';
    const refused = this.refusedFlags(code);
    if (refused !== undefined) return plainError(REFUSED_FLAGS, `Node refuses its flags: ${refused}`);
    // Many programs say themselves that the port is taken, and end.
    const refusal = state.kind === 'starting' ? this.refusal : undefined;
    const before = this.started.booted === null ? failureBefore(this.started.stderrTail()) : undefined;
    const failure = this.failure ??
      before ?? {
        message: `${group}#${slot} ${how}${when}${why}${unsettled}${refusal ? `: ${refusal.message}` : ''}`,
        stack: null,
        code: refusal?.code ?? null,
      };
    return errorInfo(failure, this.started.stderrTail(), display, this.files.loaded.keys());
  }

  /** Node ends with 9 or 12 over its own command line, before it has run anything, and says why on stderr. */
  private refusedFlags(code: number | null): string | undefined {
    if (this.started.booted !== null || this.failure !== null || (code !== 9 && code !== 12)) return undefined;
    return this.started
      .stderrTail()
      .split('\n', 1)[0]
      ?.replace(/^.*\bnode(\.exe)?: /, '');
  }
}

/** Node's exit code for a main module that waits for what nothing is left to bring about. */
const UNSETTLED = 13;

/** What a place for a worker is called, whoever works there. */
export const slotName = ({ group, slot }: Pick<Worker, 'group' | 'slot'>): string => `${group}#${slot}`;
