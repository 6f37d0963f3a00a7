/** The way from an entry to a file, import by import, with the lines where the imports stand. */
import { readFileSync } from 'node:fs';
// The variant that needs no time to get ready: a flag is shown with its chain from the first moment on.
import { parse } from 'es-module-lexer/js';
import type { Edge } from './files.ts';

export interface ChainGraph {
  readonly importers: ReadonlyMap<string, readonly Edge[]>;
}

/** One step: `file` holds the import, on `line` where it could be found. */
export interface ChainStep {
  readonly file: string;
  readonly line: number | null;
}

/**
 * The shortest chain from `root` to `file`: each step names the file and line of the import that leads on; the last step
 * is the file itself. Just the file when no chain is known.
 */
export function importChain(root: string, file: string, graph: ChainGraph): ChainStep[] {
  const path = shortestPath(root, file, graph);
  if (!path) return [{ file, line: null }];
  const steps = path.map(({ parent, specifier, child, line }) => ({
    file: parent,
    line: lineOfImport(parent, specifier, child, line),
  }));
  return [...steps, { file, line: null }];
}

interface Step extends Edge {
  readonly parent: string;
  readonly child: string;
}

/** Breadth first from the file up to the root, so the work grows with the file's importers, not with the graph. */
function shortestPath(root: string, file: string, graph: ChainGraph): Step[] | undefined {
  if (file === root) return [];
  const next = new Map<string, Step>();
  const queue = [file];
  for (let child = queue.shift(); child !== undefined; child = queue.shift()) {
    for (const { parent, specifier, line } of graph.importers.get(child) ?? []) {
      if (parent === null || next.has(parent)) continue;
      next.set(parent, { parent, specifier, line: line ?? null, child });
      if (parent === root) return walk(root, file, next);
      queue.push(parent);
    }
  }
  return undefined;
}

function walk(root: string, file: string, next: ReadonlyMap<string, Step>): Step[] {
  const steps: Step[] = [];
  for (let at = root; at !== file;) {
    const step = next.get(at);
    if (!step) break;
    steps.push(step);
    at = step.child;
  }
  return steps;
}

/** The line (1-based) where the source asks for `specifier`; where it does not spell it out, that of the call. */
function lineOfImport(file: string, specifier: string, child: string, called: number | null = null): number | null {
  const source = sourceOf(file);
  if (source === undefined) return null;
  const offset =
    offsetByLexer(file, source, specifier, child) ??
    offsetByText(source, specifier) ??
    offsetByStart(source, specifier);
  if (offset !== undefined) return lineAt(source, offset);
  // Read, or started as a thread: the call tells where, unless a loader has moved the lines.
  return called === null ? null : (lineOfMention(file, specifier) ?? called);
}

/** The line of the first string in the source that ends in these words. */
export function lineOfMention(file: string, words: string): number | null {
  const source = sourceOf(file);
  const found = source === undefined ? null : new RegExp(`${quotedPattern(words)}['"\`]`).exec(source);
  return source === undefined || !found ? null : lineAt(source, found.index);
}

function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}

function quotedPattern(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The lexer reads TypeScript as well, and tells type-only imports apart: these load nothing. */
function offsetByLexer(file: string, source: string, specifier: string, child: string): number | undefined {
  try {
    const imports = parse(source, file)[0].filter((found) => !('typeOnly' in found && found.typeOnly));
    const match =
      imports.find((found) => found.specifier === specifier) ??
      imports.find((found) => bare(found.specifier ?? '') === bare(specifier)) ??
      only(imports.filter((found) => isAliasOf(found.specifier ?? '', child)));
    return match?.importStart;
  } catch {
    return undefined;
  }
}

function offsetByText(source: string, specifier: string): number | undefined {
  const quoted = quotedPattern(bare(specifier));
  return new RegExp(
    `^[^/\\n]*\\b(?:require|import)\\b[^\\n]*['"\`]${quoted}(?:/index)?(?:\\.[mc]?[jt]sx?)?['"\`]`,
    'm',
  ).exec(source)?.index;
}

/** `@/lib/x`, of which a loader tells only what it stands for. */
function isAliasOf(specifier: string, file: string): boolean {
  const [, ...rest] = bare(specifier).split('/');
  return !specifier.startsWith('.') && rest.length > 0 && bare(slashed(file)).endsWith(`/${rest.join('/')}`);
}

/** Of several that could be meant none is. */
function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}

/** `require('./routes/' + name)`, or with a template: the text begins as the file is called. */
function offsetByStart(source: string, specifier: string): number | undefined {
  for (const match of source.matchAll(/^[^/\n]*\b(?:require|import)\s*\(\s*(['"`])(\.[^'"`\n]*?)(?:\1\s*\+|\$\{)/gm))
    if (specifier.startsWith(match[2]!)) return match.index;
  return undefined;
}

/** A loader may report what it tried, with the extension it added or replaced. */
function bare(specifier: string): string {
  return specifier.replace(/\.[mc]?[jt]sx?$/, '').replace(/\/index$/, '');
}
