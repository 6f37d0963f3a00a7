/** One child process: its messages in order, its reports, its output, its end. Knows nothing of slots or generations. */
import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { isWindows, killGroup, killTree, startFailure } from '../platform/processes.ts';
import { REPORT_FD, WORKER_CMD, type ToWorker } from '../protocol/worker.ts';
import { fromWorkerSchema, reportSchema, type FromWorker, type Report } from '../protocol/workerMessages.ts';
import type { Launch } from './launch.ts';
import type { Logger } from './logger.ts';

/** A socket handle as Node passes it over IPC. */
export interface SocketHandle {
  close(done?: () => void): void;
}

export interface WorkerEvents {
  readonly onMessage: (message: FromWorker, handle: SocketHandle | undefined) => void;
  readonly onReport: (report: Report) => void;
  readonly onAnnounced: () => void;
  readonly onExit: (code: number | null, signal: string | null) => void;
}

export class WorkerProcess {
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Why there is no process, once that is known. */
  notStarted: string | undefined;
  private readonly child: ChildProcess;
  private readonly log: Logger;
  private events: WorkerEvents;
  private readonly held: { message: FromWorker; handle: SocketHandle | undefined; reports: number }[] = [];
  private reports = 0;
  private isOver = false;

  constructor(launch: Launch, events: WorkerEvents, log: Logger) {
    this.events = events;
    this.log = log;
    this.child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: launch.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      // Its own process group, so that what it starts ends with it and Ctrl+C in the terminal reaches the master alone.
      detached: !isWindows,
      windowsHide: true,
    });
    this.pid = this.child.pid;
    // Without a descriptor left for a process there are no pipes either.
    this.stdout = this.child.stdout ?? Readable.from([]);
    this.stderr = this.child.stderr ?? Readable.from([]);
    (this.child as NodeJS.EventEmitter).on('internalMessage', (message: unknown, handle?: SocketHandle) =>
      this.receive(message, handle),
    );
    this.child.on('message', (message) => {
      if (message === 'ready') this.events.onAnnounced();
    });
    this.child.once('error', (error) => {
      if (this.pid !== undefined) {
        this.log.error(`process ${this.pid}: ${error.message}`);
        return;
      }
      this.notStarted = startFailure(error, launch.cwd);
      this.end(null, null);
    });
    const { stdio } = this.child as { readonly stdio?: readonly unknown[] };
    if (stdio) this.readReports(stdio[REPORT_FD] as Readable);
  }

  /** Whoever has it from now on hears of it. */
  listen(events: WorkerEvents): void {
    this.events = events;
  }

  send(message: ToWorker, handle?: SocketHandle, done?: (error: Error | null) => void): void {
    if (!this.child.connected) {
      done?.(new Error('the process is gone'));
      return;
    }
    this.child.send({ cmd: WORKER_CMD, ...message }, handle as never, { keepOpen: true }, done ?? (() => undefined));
  }

  /** Ends the process and everything it started, at once. */
  kill(): void {
    if (this.pid !== undefined && !this.isOver) killTree(this.pid);
  }

  private receive(raw: unknown, handle: SocketHandle | undefined): void {
    if ((raw as { cmd?: unknown } | null)?.cmd !== WORKER_CMD) return;
    const parsed = fromWorkerSchema.safeParse(raw);
    if (!parsed.success) {
      this.log.error(`process ${this.pid}: unknown message ${JSON.stringify(raw).slice(0, 200)}`);
      handle?.close();
      return;
    }
    const message = parsed.data;
    // What a message stands on was written to the report pipe before it; the two arrive in any order.
    this.held.push({ message, handle, reports: 'reports' in message ? message.reports : 0 });
    this.deliver();
  }

  private deliver(): void {
    for (let next = this.held[0]; next && next.reports <= this.reports; next = this.held[0]) {
      this.held.shift();
      this.events.onMessage(next.message, next.handle);
    }
  }

  private readReports(pipe: Readable): void {
    let rest = '';
    pipe.setEncoding('utf8');
    pipe.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.readReport(line);
      this.deliver();
    });
    const exited = new Promise<[number | null, string | null]>((done) =>
      this.child.once('exit', (code, signal) => done([code, signal])),
    );
    const read = new Promise<void>((done) => pipe.once('close', done));
    // The last reports tell why it ended: they come before the end is told.
    void Promise.all([exited, read]).then(([[code, signal]]) => this.end(code, signal));
    pipe.on('error', () => pipe.destroy());
  }

  private readReport(line: string): void {
    try {
      const report = reportSchema.parse(JSON.parse(line));
      if (!report.thread) this.reports += 1;
      this.events.onReport(report);
    } catch {
      this.log.error(`process ${this.pid}: unknown report ${line.slice(0, 200)}`);
    }
  }

  private end(code: number | null, signal: string | null): void {
    if (this.isOver) return;
    // Its children end with it; the group is still there as long as one of them lives.
    if (this.pid !== undefined && !isWindows) killGroup(this.pid);
    this.isOver = true;
    for (const { message, handle } of this.held.splice(0)) this.events.onMessage(message, handle);
    this.events.onExit(code, signal);
  }
}
