/** Writes why a start failed into the file that the caller named in the environment. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { START_REPORT_VARIABLE, type StartReport } from '../protocol/startReport.ts';
import { isUserError, messageOf } from '../protocol/userError.ts';

export interface StartReportFile {
  write(error: unknown, facts: { readonly cwd: string; readonly script: string | undefined }): void;
}

/** Takes the variable out of `env`, so that no process of the server inherits it, and removes what an earlier start left. */
export function takeStartReport(env: NodeJS.ProcessEnv): StartReportFile {
  const path = env[START_REPORT_VARIABLE];
  delete env[START_REPORT_VARIABLE];
  if (path === undefined || !isAbsolute(path)) return { write: () => undefined };
  tryTo(() => rmSync(path, { force: true }));
  return {
    write: (error, { cwd, script }) => {
      const place = isUserError(error) ? error.place : undefined;
      const report: StartReport = {
        version: 1,
        code: isUserError(error) ? error.code : 'internal',
        message: messageOf(error),
        cwd,
        script: script ?? null,
        file: place?.file ?? null,
        line: place?.line ?? null,
        column: place?.column ?? null,
      };
      tryTo(() => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(path, JSON.stringify(report), { mode: 0o600 });
      });
    },
  };
}

/** The terminal has the error in any case: a report that cannot be written must not hide it. */
function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Nobody can be told.
  }
}
