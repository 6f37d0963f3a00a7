/** The packages of a workspace: npm's and yarn's list in package.json, pnpm's own file. */
import { join } from 'node:path/posix';
import { load } from 'js-yaml';
import { isRecord, listOf, readManifest, type Folder } from './folder.ts';

export interface Package {
  readonly at: string;
  readonly name: string | undefined;
}

interface Place {
  readonly folder: Folder;
  readonly at: string;
}

export function packagesOf({ folder, at }: Place): Package[] {
  const patterns = [...readManifest(folder, at).workspaces, ...pnpmPatterns(folder, at)];
  const left = patterns
    .filter((pattern) => pattern.startsWith('!'))
    .flatMap((pattern) => foldersLike(folder, at, pattern.slice(1)));
  const found = patterns
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((pattern) => foldersLike(folder, at, pattern));
  return [...new Set(found)]
    .filter((path) => path !== at && !left.includes(path) && folder.isFile(join(path, 'package.json')))
    .map((path) => ({ at: path, name: readManifest(folder, path).name }));
}

/** By its name, the last part of it, or its folder. */
export function packageNamed(place: Place, wanted: string): Package | undefined {
  const name = wanted
    .replace(/^\.\//, '')
    .replace(/^\.\.\.|\.\.\.$/g, '')
    .replace(/^\{(.*)\}$/, '$1');
  const packages = packagesOf(place);
  return (
    packages.find((each) => each.name === name) ??
    packages.find((each) => each.at === join(place.at, name)) ??
    packages.find((each) => each.name?.split('/').at(-1) === name || each.at.endsWith(`/${name}`))
  );
}

function pnpmPatterns(folder: Folder, at: string): string[] {
  const text = folder.read(join(at, 'pnpm-workspace.yaml'));
  if (text === undefined) return [];
  try {
    const value = load(text);
    return isRecord(value) ? listOf(value['packages']) : [];
  } catch {
    // pnpm itself will say what is wrong.
    return [];
  }
}

/** Folders by a pattern of whole names, `*` and `**`, as workspaces are written. */
function foldersLike(folder: Folder, at: string, pattern: string): string[] {
  const parts = pattern
    .replace(/^\.\//, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  return parts.reduce<string[]>(
    (folders, part) =>
      folders.flatMap((path) => {
        if (part === '**') return [path, ...below(folder, path)];
        if (!part.includes('*')) return [join(path, part)];
        const like = new RegExp(
          `^${part
            .split('*')
            .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
            .join('.*')}$`,
        );
        return folder
          .folders(path)
          .filter((name) => like.test(name))
          .map((name) => join(path, name));
      }),
    [at],
  );
}

function below(folder: Folder, path: string, depth = 4): string[] {
  if (depth === 0) return [];
  return folder.folders(path).flatMap((name) => [join(path, name), ...below(folder, join(path, name), depth - 1)]);
}
