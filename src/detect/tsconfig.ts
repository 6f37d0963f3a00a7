/** Options of the TypeScript compiler, by a configuration and what it extends. */
import { dirname, join } from 'node:path/posix';
import { isRecord, readJson, textOf, type Folder } from './folder.ts';
import { ancestorsOf } from './ancestors.ts';

/** Longer chains of configurations are nobody's. */
const DEEPEST = 8;

export interface Option {
  readonly value: unknown;
  /** The folder of the configuration that says so: paths are relative to it. */
  readonly folder: string;
}

/** @param path of the configuration */
export function optionIn(folder: Folder, path: string, name: string, depth = 0): Option | undefined {
  const config = readJson(folder, path);
  if (!config || depth > DEEPEST) return undefined;
  const options = isRecord(config['compilerOptions']) ? config['compilerOptions'] : {};
  if (options[name] !== undefined) return { value: options[name], folder: dirname(path) };
  const base = textOf(config['extends']);
  // Those of packages set no paths and, as a rule, no decorators.
  if (!base?.startsWith('.')) return undefined;
  const file = base.endsWith('.json') ? base : `${base}.json`;
  return optionIn(folder, join(dirname(path), file), name, depth + 1);
}

/** By the nearest tsconfig.json of a folder. */
export function compilerOption(folder: Folder, at: string, name: string): unknown {
  const path = ancestorsOf(at)
    .map((each) => join(each, 'tsconfig.json'))
    .find((each) => folder.isFile(each));
  return path === undefined ? undefined : optionIn(folder, path, name)?.value;
}
