/** Evaluates the bootstrap script in a short-lived process of its own, so that a broken one cannot hurt the master. */
import type { ErrorInfo } from '../protocol/status.ts';
import type { Declared } from './definitions.ts';
import { errorInfo, type Failure } from './errors.ts';
import type { ProcessFiles } from './files.ts';
import type { Launch } from './launch.ts';
import type { Logger } from './logger.ts';
import { BOOTSTRAP_WRITER, type Output } from './output.ts';
import type { Report } from '../protocol/workerMessages.ts';
import { WorkerProcess } from './workerProcess.ts';

/** How long a bootstrap script may take to declare its groups. */
const TIMEOUT_MS = 30_000;

export interface HostParts {
  readonly output: Output;
  readonly log: Logger;
  readonly display: (path: string) => string;
  readonly onSpawn: (pid: number) => void;
  readonly onExit: (pid: number) => void;
  readonly onReport: (files: ProcessFiles, report: Report) => void;
}

/**
 * @param files takes what the script loads
 * @returns what it declares, or why it does not
 */
export function evaluateBootstrap(
  launch: Launch,
  files: ProcessFiles,
  parts: HostParts,
): Promise<Declared | ErrorInfo> {
  return new Promise((done) => {
    let failure: Failure | null = null;
    let declared: Declared | undefined;
    let isLate = false;
    const child = new WorkerProcess(
      launch,
      {
        onMessage: (message) => {
          if (message.t === 'booted') child.send({ t: 'go', env: {} });
          if (message.t === 'declared')
            declared = { definition: message.definition, env: message.env, cwd: message.cwd };
        },
        onReport: (report) => {
          if (report.r === 'error') failure = report;
          else parts.onReport(files, report);
        },
        onAnnounced: () => undefined,
        onExit: (code, signal) => {
          clearTimeout(timer);
          if (child.pid !== undefined) parts.onExit(child.pid);
          const how =
            child.notStarted ??
            (isLate
              ? `did not declare its groups within ${TIMEOUT_MS / 1000} s`
              : `ended with ${signal ?? `code ${code ?? '?'}`} before it declared its groups`);
          const reason = failure ?? { message: `The bootstrap script ${how}`, stack: null, code: null };
          done(
            declared ?? {
              ...errorInfo(reason, stderr.tail(), parts.display, files.loaded.keys()),
              code: 'bootstrap-error',
            },
          );
        },
      },
      parts.log,
    );
    const timer = setTimeout(() => {
      isLate = true;
      child.kill();
    }, TIMEOUT_MS);
    if (child.pid !== undefined) parts.onSpawn(child.pid);
    parts.output.follow(child.stdout, () => BOOTSTRAP_WRITER);
    const stderr = parts.output.follow(child.stderr, () => BOOTSTRAP_WRITER);
  });
}
