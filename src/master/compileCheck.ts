/** Whether changed files compile, unevaluated, through the group's own loader: what guards a `stop-first` group before it gives up a worker. */
import type { ErrorInfo } from '../protocol/status.ts';
import { errorInfo, plainError, type Failure } from './errors.ts';
import type { Launch } from './launch.ts';
import type { Logger } from './logger.ts';
import { WorkerProcess } from './workerProcess.ts';

const TIMEOUT_MS = 20_000;

/** @returns undefined when all is well, or when it could not be found out in time: then the first replacement tells */
export function compileCheck(
  launch: Launch,
  display: (path: string) => string,
  log: Logger,
): Promise<ErrorInfo | undefined> {
  return new Promise((done) => {
    let failure: Failure | null = null;
    let tail = '';
    const child = new WorkerProcess(
      launch,
      {
        onMessage: (message) => {
          if (message.t === 'booted') child.send({ t: 'go', env: {} });
        },
        onReport: (report) => {
          if (report.r === 'error') failure = report;
        },
        onAnnounced: () => undefined,
        onExit: () => {
          clearTimeout(timer);
          if (child.notStarted !== undefined) {
            done(plainError('rejected', `The compile check ${child.notStarted}`));
            return;
          }
          done(failure ? errorInfo(failure, tail, display) : undefined);
        },
      },
      log,
    );
    const timer = setTimeout(() => child.kill(), TIMEOUT_MS);
    child.stdout.resume();
    child.stderr.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-4096);
    });
  });
}
