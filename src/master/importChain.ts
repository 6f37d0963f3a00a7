/** The way from an entry to a file, import by import, with the lines where the imports stand. */
import { readFileSync } from 'node:fs';
import { init, parse } from 'es-module-lexer';
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
export async function importChain(root: string, file: string, graph: ChainGraph): Promise<ChainStep[]> {
  const path = shortestPath(root, file, graph);
  if (!path) return [{ file, line: null }];
  await init();
  const steps = path.map(({ parent, specifier }) => ({ file: parent, line: lineOfImport(parent, specifier) }));
  return [...steps, { file, line: null }];
}

interface Step {
  readonly parent: string;
  readonly specifier: string;
}

/** Breadth first from the file up to the root, so the work grows with the file's importers, not with the graph. */
function shortestPath(root: string, file: string, graph: ChainGraph): Step[] | undefined {
  if (file === root) return [];
  const next = new Map<string, Step & { child: string }>();
  const queue = [file];
  for (let child = queue.shift(); child !== undefined; child = queue.shift()) {
    for (const { parent, specifier } of graph.importers.get(child) ?? []) {
      if (parent === null || next.has(parent)) continue;
      next.set(parent, { parent, specifier, child });
      if (parent === root) return walk(root, file, next);
      queue.push(parent);
    }
  }
  return undefined;
}

function walk(root: string, file: string, next: ReadonlyMap<string, Step & { child: string }>): Step[] {
  const steps: Step[] = [];
  for (let at = root; at !== file;) {
    const step = next.get(at);
    if (!step) break;
    steps.push({ parent: step.parent, specifier: step.specifier });
    at = step.child;
  }
  return steps;
}

/** The line (1-based) of the first import of `specifier`; null where it cannot be found, such as a computed one. */
function lineOfImport(file: string, specifier: string): number | null {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const offset = offsetByLexer(file, source, specifier) ?? offsetByText(source, specifier);
  return offset === undefined ? null : source.slice(0, offset).split('\n').length;
}

/** The lexer reads TypeScript as well, and tells type-only imports apart: these load nothing. */
function offsetByLexer(file: string, source: string, specifier: string): number | undefined {
  try {
    const imports = parse(source, file)[0].filter((found) => !('typeOnly' in found && found.typeOnly));
    const match =
      imports.find((found) => found.specifier === specifier) ??
      imports.find((found) => bare(found.specifier ?? '') === bare(specifier));
    return match?.importStart;
  } catch {
    return undefined;
  }
}

function offsetByText(source: string, specifier: string): number | undefined {
  const quoted = bare(specifier).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `^[^/\\n]*\\b(?:require|import)\\b[^\\n]*['"\`]${quoted}(?:/index)?(?:\\.[mc]?[jt]sx?)?['"\`]`,
    'm',
  ).exec(source)?.index;
}

/** A loader may report what it tried, with the extension it added or replaced. */
function bare(specifier: string): string {
  return specifier.replace(/\.[mc]?[jt]sx?$/, '').replace(/\/index$/, '');
}
