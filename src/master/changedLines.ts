/** Which lines of a file differ from the text that runs. */
import { structuredPatch } from 'diff';
import type { LineRange } from '../protocol/status.ts';

/** A comparison that takes longer is given up; then all of the file counts as changed. */
const TIMEOUT_MS = 100;

/** Ranges in `now`, in their order. */
export function changedLines(running: string, now: string): LineRange[] {
  const options = { context: 0, timeout: TIMEOUT_MS, stripTrailingCr: true };
  const patch = structuredPatch('', '', running, now, '', '', options);
  const last = Math.max(1, now.split('\n').length - (now.endsWith('\n') ? 1 : 0));
  if (!patch) return [{ from: 1, to: last }];
  return patch.hunks.map(({ newStart, newLines }) => {
    const from = Math.min(Math.max(1, newStart), last);
    return { from, to: Math.max(from, newStart + newLines - 1) };
  });
}
