/** Where the error of a failed start stands. Pure. */
import { t } from '@vscode/l10n';
import type { StartReport } from '../../protocol/startReport.ts';
import { textOf, type ServerTaskDefinition } from '../tasks/definition.ts';
import type { Place, Problem } from './problems.ts';

/** The task that was run, where a person wrote it. */
export interface WrittenTask {
  readonly file: string;
  readonly text: string;
  readonly definition: ServerTaskDefinition;
}

/**
 * @param exists whether a file is there: a script that is missing cannot hold its own error
 * @returns undefined when no file is to blame: the server runs already
 */
export function startProblem(
  report: StartReport,
  task: WrittenTask | undefined,
  exists: (file: string) => boolean,
): Problem | undefined {
  if (report.code === 'already-running') return undefined;
  const inTask = task && { file: task.file, line: taskLine(task.text, task.definition), column: 1 };
  const ownPlace: Place | undefined =
    report.file !== null && exists(report.file)
      ? { file: report.file, line: report.line ?? 1, column: report.column ?? 1 }
      : undefined;
  // Options that are wrong stand in the task; all else is a matter of the script.
  const inScript = report.script === null ? undefined : { file: report.script, line: 1, column: 1 };
  const guesses = report.code === 'usage' ? [inTask, inScript] : [inScript, inTask];
  const place = [ownPlace, ...guesses].find((one) => one !== undefined);
  return {
    code: 'start-failed',
    severity: 'error',
    message: t('{0} (the server did not start)', report.message.trim()),
    place: place ?? { file: report.file ?? 'package.json', line: 1, column: 1 },
    related: [],
  };
}

/** The line of tasks.json that names what the task runs. */
export function taskLine(text: string, { script, command }: ServerTaskDefinition): number {
  const wanted: [string, unknown][] = [
    ['script', script],
    ['command', command],
  ];
  for (const [name, value] of wanted) {
    const words = textOf(value);
    if (words === undefined) continue;
    const escaped = JSON.stringify(words).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = new RegExp(`"${name}"\\s*:\\s*${escaped}`).exec(text);
    if (found) return text.slice(0, found.index).split('\n').length;
  }
  return 1;
}
