/** What detection reads of a project: a few small files below one folder, so that a test can give them as a table. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { join as joinPosix } from 'node:path/posix';
import { parse as parseJson } from 'jsonc-parser';

/** Paths are relative to the folder and have forward slashes, as they stand in scripts. */
export interface Folder {
  isFile(path: string): boolean;
  read(path: string): string | undefined;
  /** The names of the folders in a folder. */
  folders(path: string): string[];
}

export function diskFolder(root: string): Folder {
  return {
    isFile: (path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() ?? false,
    read: (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return undefined;
      }
    },
    folders: (path) => {
      try {
        return readdirSync(join(root, path), { withFileTypes: true })
          .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
          .map(({ name }) => name)
          .sort();
      } catch {
        return [];
      }
    },
  };
}

/** JSON as editors and compilers take it, with comments and trailing commas; undefined when it is no object. */
export function readJson(folder: Folder, path: string): Record<string, unknown> | undefined {
  const text = folder.read(path);
  const value: unknown = text === undefined ? undefined : parseJson(text, [], { allowTrailingComma: true });
  return isRecord(value) ? value : undefined;
}

/** As Node and npm take it, which are strict. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export interface Manifest {
  readonly name: string | undefined;
  readonly main: string | undefined;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: ReadonlySet<string>;
  /** An editor's extension: its main file is no server. */
  readonly isExtension: boolean;
  readonly workspaces: readonly string[];
  readonly nodemonConfig: Record<string, unknown> | undefined;
}

/** @param at the folder of the package.json; one that is missing or broken says nothing */
export function readManifest(folder: Folder, at: string): Manifest {
  const json = readJson(folder, joinPosix(at, 'package.json')) ?? {};
  const { workspaces } = json;
  return {
    name: textOf(json['name']),
    main: textOf(json['main']),
    scripts: textsOf(json['scripts']),
    dependencies: new Set([
      ...Object.keys(textsOf(json['dependencies'])),
      ...Object.keys(textsOf(json['devDependencies'])),
    ]),
    isExtension: 'vscode' in textsOf(json['engines']),
    workspaces: listOf(isRecord(workspaces) ? workspaces['packages'] : workspaces),
    nodemonConfig: isRecord(json['nodemonConfig']) ? json['nodemonConfig'] : undefined,
  };
}

const RUNNABLE = ['.js', '.ts', '.mjs', '.mts', '.cjs', '.cts', '.tsx', '.json', '/index.js', '/index.ts'];

/** The file that Node or its loader would run for a name as scripts have it; undefined when it is not there. */
export function resolveFile(folder: Folder, at: string, name: string): string | undefined {
  const path = joinPosix(at, name);
  const found = ['', ...RUNNABLE].map((end) => `${path.replace(/\/$/, '')}${end}`).find((file) => folder.isFile(file));
  return found === undefined ? undefined : joinPosix(found);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}

function textsOf(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
