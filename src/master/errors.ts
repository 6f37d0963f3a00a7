/** Where a program failed, read from what it told before it ended. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorInfo } from '../protocol/status.ts';
import type { ErrorPlace } from '../protocol/userError.ts';
import { installCommandFor } from './installation.ts';
import { bundledSource, inSource, type Position } from './sourceMaps.ts';

/** Code of an error of Node's over its command line: no save can mend that. */
export const REFUSED_FLAGS = 'refused-flags';

export interface Failure {
  readonly message: string;
  readonly stack: string | null;
  readonly code: string | null;
}

/** `file:line` and a caret line, as Node prints them above a syntax error, on stderr or in the stack. */
const FRAME =
  /^(?:\(node:\d+\) |Warning: Detected unsettled top-level await at )?((?:file:\/\/)?[^\n]*?):(\d+)\n(?:[^\n]*\n){1,3}?([ \t]*)\^/m;
/** The same where the end of the file is what is wrong: there is nothing to put a caret under. */
const END_FRAME = /^((?:file:\/\/)?[^\n]*?):(\d+)\n[^\n]*\n([ \t]*)\n\n?SyntaxError\b/m;
/** Node runs nothing at all in a folder whose package.json does not parse. */
const PACKAGE_CONFIG = /^(?:Error: )?(Invalid package config (.+?[\\/]package\.json)\b.*)/m;
/** As esbuild tells it, which tsx compiles with; its columns count from 0. */
const TRANSFORM = /^(\/[^\n]*|[A-Za-z]:[^\n]*):(\d+):(\d+): ERROR: (.*)$/m;
/** A line of a stack, in parentheses where it names a function; folders may have both blanks and parentheses in their names. */
const CALL =
  /^ *at (?:(?:async )?(?=\/|file:|[a-z]+pack:|[A-Za-z]:)|.*? \((?=\/|file:|[a-z]+pack:|[A-Za-z]:))([^<>]+):(\d+):(\d+)\)?$/;
/** What an import asked for that there is not, in the words of Node. */
const MISSING = [
  /^Cannot find (?:module|package) '([^']+)'/m,
  /^Directory import '([^']+)' is not supported/m,
  /^Package subpath '([^']+)' is not defined/m,
  /^No "exports" main defined in (.+)[\\/]package\.json/m,
  /^Package import specifier "([^"]+)" is not defined/m,
  /^Invalid module "([^"]+)" /m,
];

/**
 * @param stderr the end of what the process wrote there: Node shows the place of a syntax error in an ES module only there
 * @param display how a path is shown
 * @param loaded the files that were loaded, in turn: in the last one of the project Node before 22.18 found a syntax error in
 * TypeScript, which it does not name, and from there a bundler's names of sources are looked up
 */
export function errorInfo(
  failure: Failure,
  stderr: string,
  display: (path: string) => string,
  loaded: Iterable<string> = [],
): ErrorInfo {
  const lastLoaded = [...loaded].findLast((file) => !isForeign(file));
  const told = placeOf(failure, stderr, lastLoaded) ?? snippetOf(failure, lastLoaded);
  // What was built is told of where it was written, as far as its map tells.
  const place = told && inSource(told);
  const name = /^(\w*Error)\b/m.exec(failure.stack ?? '')?.[1];
  const message = TRANSFORM.exec(failure.message)?.[4] ?? failure.message.split('\n')[0]?.replace(/^ +[x×] /, '') ?? '';
  const firstLine = withoutPlace(message, told?.file);
  const install = installOf(failure.message);
  const remedy = install === undefined ? '' : `. package.json names it, but it is not installed: run ${install}`;
  return {
    code: failure.code ?? 'rejected',
    message: (name !== undefined && !firstLine.startsWith(name) ? `${name}: ${firstLine}` : firstLine) + remedy,
    file: place ? display(place.file) : null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    stack: failure.stack,
  };
}

/** What loads files by itself may add to the message where it failed, which is told anyway. */
function withoutPlace(message: string, file: string | undefined): string {
  const [before, after = ''] = file === undefined ? [message] : message.split(` at ${file}`);
  return /^(?::\d+)*$/.test(after) ? before! : message;
}

/** What kept Node from running even our preload, which would have told of it. */
export function failureBefore(stderr: string): Failure | undefined {
  const message = PACKAGE_CONFIG.exec(stderr)?.[1];
  return message === undefined ? undefined : { message: `Error: ${message}`, stack: null, code: null };
}

/** An error that is not of the program's code. */
export function plainError(code: string, message: string): ErrorInfo {
  return { code, message, file: null, line: null, column: null, stack: null };
}

/** The place of an error as a UserError carries it. */
export function errorPlace({ file, line, column }: ErrorInfo): ErrorPlace | undefined {
  return file === null ? undefined : { file, line, column };
}

function placeOf({ stack, message }: Failure, stderr: string, lastLoaded: string | undefined): Position | undefined {
  const transform = TRANSFORM.exec(message);
  if (transform) return { file: transform[1]!, line: Number(transform[2]), column: Number(transform[3]) + 1 };
  const fromJson = jsonPlaceOf(message) ?? packagePlaceOf(message);
  if (fromJson) return fromJson;
  const fromStack = frameOf(stack ?? '');
  if (fromStack) return fromStack;
  for (const line of (stack ?? '').split('\n')) {
    const call = CALL.exec(line);
    const file = call && (pathOf(call[1]!) ?? (lastLoaded && bundledSource(call[1]!, lastLoaded)));
    if (file && !isForeign(file)) return { file, line: Number(call[2]), column: Number(call[3]) };
  }
  const importer = importOf(message);
  if (importer) return importer;
  return frameOf(stderr);
}

/** Node names the importing file but not the line, and our hooks push it off the stack: it is where the missing file is mentioned. */
function importOf(message: string): Position | undefined {
  const missing = missingIn(message);
  const file = importerIn(message);
  // A preload is looked for from a folder.
  if (missing === undefined || file === undefined || /[\\/]$/.test(file) || isForeign(file)) return undefined;
  let lines: string[] = [];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    // Gone meanwhile.
  }
  const name = basename(missing);
  const index = lines.findIndex((line) => [`${name}'`, `${name}"`].some((end) => line.includes(end)));
  const column = index < 0 ? -1 : lines[index]!.search(/\b(import|require|export)\b/);
  return { file, line: index < 0 ? 1 : index + 1, column: column < 0 ? null : column + 1 };
}

function missingIn(message: string): string | undefined {
  return MISSING.map((pattern) => pattern.exec(message)?.[1]).find((found) => found !== undefined);
}

/** A preload is looked for from a folder, and not required by any file. */
function importerIn(message: string): string | undefined {
  const importer = /imported from (.+)$/m.exec(message)?.[1] ?? /^Require stack:\n- (.+)$/m.exec(message)?.[1];
  return importer === undefined ? undefined : pathOf(importer);
}

/** How the package that is missing is installed. */
function installOf(message: string): string | undefined {
  const missing = missingIn(message);
  const from = importerIn(message) ?? `${process.cwd()}/`;
  return missing && installCommandFor(missing, /[\\/]$/.test(from) ? join(from, 'package.json') : from);
}

/** Node names a JSON file in the words of the error, with the line or with ten characters before the wrong one and those behind. */
function jsonPlaceOf(message: string): Position | undefined {
  const file = /^(\/.*?\.json|[A-Za-z]:.*?\.json): .* JSON\b/s.exec(message)?.[1];
  if (file === undefined || isForeign(file)) return undefined;
  const told = /\(line (\d+) column (\d+)\)$/.exec(message);
  if (told) return { file, line: Number(told[1]), column: Number(told[2]) };
  const shown = /\.\.\."(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1];
  if (shown === undefined) return { file, line: 1, column: null };
  try {
    const content = readFileSync(file, 'utf8');
    const before = content.slice(0, content.indexOf(shown) + 10).split('\n');
    return { file, line: before.length, column: before.at(-1)!.length + 1 };
  } catch {
    return { file, line: 1, column: null };
  }
}

/** Node names the file, but not what is wrong with it. */
function packagePlaceOf(message: string): Position | undefined {
  const file = PACKAGE_CONFIG.exec(message)?.[2];
  if (file === undefined || isForeign(file)) return undefined;
  try {
    JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return jsonPlaceOf(`${file}: ${error instanceof Error ? error.message : ''}`);
  }
  return { file, line: 1, column: null };
}

function frameOf(text: string): Position | undefined {
  const match = FRAME.exec(text) ?? END_FRAME.exec(text);
  const file = match && pathOf(match[1]!);
  return file && !isForeign(file) ? { file, line: Number(match[2]), column: match[3]!.length + 1 } : undefined;
}

/**
 * `,-[2:1]` above the lines that the parser shows, with their numbers and a caret. Node's own parser of TypeScript leaves
 * out the file that SWC names there, which @swc-node compiles with.
 */
function snippetOf({ code, message }: Failure, lastLoaded: string | undefined): Position | undefined {
  const named = pathOf(/^ *(?:,-|╭─)\[(.+):\d+:\d+\]$/m.exec(message)?.[1] ?? '');
  const file = named ?? (code === 'ERR_INVALID_TYPESCRIPT_SYNTAX' ? lastLoaded : undefined);
  if (file === undefined) return undefined;
  const shown = /^ *(\d+) \| [^\n]*\n *[:·] ( *)\^/m.exec(message);
  return shown ? { file, line: Number(shown[1]), column: shown[2]!.length + 1 } : undefined;
}

function pathOf(text: string): string | undefined {
  if (text.startsWith('file://')) return fileURLToPath(text);
  return /^(\/|[A-Za-z]:[\\/])/.test(text) ? text : undefined;
}

/** Of a package, or our preload, whose hooks stand on the stack of a failed `require`. */
function isForeign(file: string): boolean {
  return file.includes('node_modules') || dirname(file) === __dirname;
}
