/** Where in the project's code a call comes from. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { isOurs, isPackaged } from './ownFiles.ts';

/** Deep enough to get through a library that reads on the program's behalf. */
const FRAMES = 40;

export interface CallSite {
  readonly file: string;
  readonly line: number;
}

/** The innermost frame that is the project's own; undefined where a callback of Node's leads to none. */
export function callSite(): CallSite | undefined {
  for (const { scriptName, lineNumber } of getCallSites(FRAMES)) {
    const file = pathOf(scriptName);
    if (file !== undefined && !isOurs(file) && !isPackaged(file)) return { file, line: lineNumber };
  }
  return undefined;
}

/** A compiler lists what it might compile, which says nothing of what the program loads. */
export function isCompiling(): boolean {
  return getCallSites(FRAMES).some(({ scriptName }) => /[\\/]node_modules[\\/]typescript[\\/]/.test(scriptName));
}

/** Loaders give their modules URLs with a query. */
export function pathOf(script: string | undefined): string | undefined {
  if (script === undefined) return undefined;
  if (script.startsWith('file:')) return fileURLToPath(script.replace(/[?#].*$/, ''));
  return isAbsolute(script) ? script.replace(/\?.*$/, '') : undefined;
}
