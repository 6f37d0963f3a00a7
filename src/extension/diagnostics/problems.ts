/** What a snapshot has to say about places in files. Pure; positions count from 1, as in the snapshot. */
import { t } from '@vscode/l10n';
import type { ErrorInfo, NeedsRestart, Snapshot } from '../../protocol/status.ts';
import { splitPosition } from '../paths.ts';
import { countReady } from '../views/standing.ts';
import { restartCause } from '../views/noteRows.ts';

export interface Place {
  /** Relative to the server's start folder, or absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The last line, where there are several. */
  readonly lastLine?: number;
}

export interface Problem {
  readonly code: 'needs-restart' | 'rejected' | 'failed' | 'start-failed';
  readonly severity: 'warning' | 'error';
  readonly message: string;
  readonly place: Place;
  readonly related: readonly { readonly message: string; readonly place: Place }[];
  /** The edited file, for `needs-restart`. */
  readonly change?: NeedsRestart;
}

export function problemsOf(snapshot: Snapshot): Problem[] {
  const problems = snapshot.needsRestart.flatMap((change) => restartProblems(change));
  if (snapshot.error) problems.push(errorProblem('failed', snapshot.error, snapshot));
  const last = snapshot.lastReload;
  if (last?.result === 'rejected' && last.error && !isSame(last.error, snapshot.error)) {
    problems.push(errorProblem('rejected', last.error, snapshot));
  }
  return problems;
}

function restartProblems(change: NeedsRestart): Problem[] {
  const importers = change.chain.slice(0, -1);
  const isDeleted = change.digest === null;
  const cause = restartCause(change);
  const message = isDeleted
    ? t('{0} was deleted since the server started: needs a restart ({1})', change.file, cause)
    : t('Changed since the server started: needs a restart ({0})', cause);
  return changedPlaces(change).map((place) => ({
    code: 'needs-restart',
    severity: 'warning',
    message,
    place,
    related: importers.map((importer, index) => ({
      message: t('imports {0}', splitPosition(change.chain[index + 1]!).file),
      place: { ...splitPosition(importer), column: 1 },
    })),
    change,
  }));
}

/** The changed lines; a file that is gone is missed where it is imported. */
function changedPlaces({ file, chain, digest, changed, options }: NeedsRestart): Place[] {
  if (options.length > 0) {
    const lines = new Set(options.map(({ line }) => line ?? 1));
    return [...lines].sort((a, b) => a - b).map((line) => ({ file, line, column: 1 }));
  }
  const importer = chain.at(-2);
  if (digest === null && importer !== undefined) return [{ ...splitPosition(importer), column: 1 }];
  if (!changed || changed.length === 0) return [{ file, line: 1, column: 1 }];
  return changed.map(({ from, to }) => ({ file, line: from, column: 1, lastLine: to }));
}

function errorProblem(code: 'rejected' | 'failed', error: ErrorInfo, snapshot: Snapshot): Problem {
  const isServing = countReady(snapshot).ready > 0;
  const meanwhile = isServing ? t('the old workers serve on') : t('no worker serves until this is fixed');
  // An error without a place (a worker that never became ready) stands in the file that was saved, else at the start.
  const blamed =
    error.file ?? (code === 'rejected' ? snapshot.lastReload?.trigger.files[0] : undefined) ?? snapshot.script;
  return {
    code,
    severity: 'error',
    message: `${error.message.trim()} (${meanwhile})`,
    place: { file: blamed, line: error.line ?? 1, column: error.column ?? 1 },
    related: [],
  };
}

function isSame(a: ErrorInfo, b: ErrorInfo | null): boolean {
  return b !== null && a.message === b.message && a.file === b.file && a.line === b.line && a.column === b.column;
}
