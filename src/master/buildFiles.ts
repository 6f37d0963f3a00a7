/** What of a folder a builder reads and what it writes, as far as the names tell, with when each was touched last. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** What builders make programs of; their settings are JSON. */
const SOURCE = /\.(?:[mc]?[jt]s|[jt]sx|json)$/;
const TYPESCRIPT = /(?<!\.d)\.(?:[mc]?ts|tsx)$/;
/** Where the compiler keeps what it knows: written with the outputs, wherever it lies. */
const BUILD_INFO = /\.tsbuildinfo$/;
/** A folder larger than this is not looked through: what is not found is not waited for. */
const MOST_FILES = 20_000;

export interface Touched {
  readonly file: string;
  /** By its content; what a program can set. */
  readonly writtenAt: number;
  /** Also by being moved here. */
  readonly touchedAt: number;
}

export interface BuildFiles {
  readonly sources: readonly Touched[];
  readonly outputs: readonly Touched[];
}

/** @param outputFolders where the builder writes; TypeScript in there is a source all the same, for it may write beside it */
export async function buildFiles(folder: string, outputFolders: readonly string[]): Promise<BuildFiles> {
  const sources: Touched[] = [];
  const outputs: Touched[] = [];
  let left = MOST_FILES;
  await walk(folder, false);
  return { sources, outputs };

  async function walk(at: string, isOfSources: boolean): Promise<void> {
    const entries = await readdir(at, { withFileTypes: true }).catch((): Dirent[] => []);
    const isOutput = outputFolders.some((one) => at === one || at.startsWith(one + sep));
    const named = entries.filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'));
    left -= named.length;
    if (left < 0) return;
    const files = named.filter((entry) => entry.isFile()).map(({ name }) => name);
    const isSource = (name: string): boolean => (isOutput ? TYPESCRIPT : SOURCE).test(name);
    const all = await Promise.all(files.map((name) => touched(join(at, name))));
    for (const [index, one] of all.entries()) {
      if (one === undefined) continue;
      if (isSource(files[index]!)) sources.push(one);
      else if (isOutput || BUILD_INFO.test(one.file)) outputs.push(one);
    }
    // A file that has gone shows in its folder alone.
    const self = isOfSources && !isOutput && files.some(isSource) ? await touched(at) : undefined;
    if (self) sources.push(self);
    for (const entry of named) if (entry.isDirectory()) await walk(join(at, entry.name), true);
  }
}

export function newest(files: readonly Touched[]): Touched | undefined {
  return files.reduce<Touched | undefined>(
    (last, one) => (last === undefined || one.writtenAt > last.writtenAt ? one : last),
    undefined,
  );
}

async function touched(file: string): Promise<Touched | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found && { file, writtenAt: found.mtimeMs, touchedAt: Math.max(found.mtimeMs, found.ctimeMs) };
}
