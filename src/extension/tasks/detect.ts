/** Servers that a folder holds, found by the names that servers have. Reads the folder's root only. */
import { access, readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';

const extensions = ['ts', 'mts', 'js', 'mjs', 'cjs'];
export const configFiles = extensions.map((extension) => `graceful-reload.config.${extension}`);
const serverFiles = ['server', 'src/server'].flatMap((base) => extensions.map((extension) => `${base}.${extension}`));
/** A change to one of these, in the root of a folder, may change what is detected. */
export const DETECTION_GLOB = `{${['package.json', ...configFiles, ...serverFiles].join(',')}}`;

export interface DetectedServer {
  /** Relative to the folder. */
  readonly script: string;
  readonly nodeArgs: readonly string[];
  readonly args: readonly string[];
}

/** The parts of the file system that detection needs. */
export interface FolderReader {
  exists(path: string): Promise<boolean>;
  read(path: string): Promise<string | undefined>;
}

export const diskReader: FolderReader = {
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  read: (path) => readFile(path, 'utf8').catch(() => undefined),
};

/** The best first. A configuration file is a statement, so nothing else is guessed beside it. */
export async function detectServers(folder: string, reader: FolderReader = diskReader): Promise<DetectedServer[]> {
  const [config] = await existing(folder, configFiles, reader);
  if (config !== undefined) return [plain(config)];
  const manifest = parseManifest(await reader.read(join(folder, 'package.json')));
  const found: DetectedServer[] = [];
  for (const script of [manifest.scripts['dev'], manifest.scripts['start']]) {
    const server = script === undefined ? undefined : parseNodeCommand(script);
    if (server && (await reader.exists(join(folder, server.script)))) found.push(server);
  }
  found.push(...(await existing(folder, serverFiles, reader)).map(plain));
  // `main` is an entry for importers first of all, so it is only a last resort, and never that of an extension.
  if (found.length === 0 && manifest.main !== undefined && !manifest.isExtension) {
    const main = normalize(manifest.main);
    if (/\.[cm]?[jt]s$/.test(main) && (await reader.exists(join(folder, main)))) found.push(plain(main));
  }
  return found.filter((server, index) => found.findIndex((other) => other.script === server.script) === index);
}

/** `node [flags] file [args]`, in its plain form: no shell syntax, no other program in front. */
export function parseNodeCommand(command: string): DetectedServer | undefined {
  if (/[&|;<>$`"'\\*?]/.test(command)) return undefined;
  const [program, ...words] = command.trim().split(/\s+/);
  if (program !== 'node') return undefined;
  // Watching is our own work, and a flag that takes its value as the next word cannot be told apart here.
  const flags = words.slice(
    0,
    words.findIndex((word) => !word.startsWith('-')),
  );
  const script = words[flags.length];
  if (script === undefined || !/\.[cm]?[jt]s$/.test(script)) return undefined;
  return {
    script: normalize(script),
    nodeArgs: flags.filter((flag) => !flag.startsWith('--watch')),
    args: words.slice(flags.length + 1),
  };
}

function plain(script: string): DetectedServer {
  return { script, nodeArgs: [], args: [] };
}

async function existing(folder: string, names: readonly string[], reader: FolderReader): Promise<string[]> {
  const there = await Promise.all(names.map((name) => reader.exists(join(folder, name))));
  return names.filter((_, index) => there[index]);
}

interface Manifest {
  readonly main: string | undefined;
  readonly scripts: Readonly<Record<string, string>>;
  readonly isExtension: boolean;
}

function parseManifest(text: string | undefined): Manifest {
  const empty: Manifest = { main: undefined, scripts: {}, isExtension: false };
  if (text === undefined) return empty;
  try {
    const { main, scripts, engines } = JSON.parse(text) as Record<string, unknown>;
    return {
      main: typeof main === 'string' ? main : undefined,
      scripts: stringsOf(scripts),
      isExtension: stringsOf(engines)['vscode'] !== undefined,
    };
  } catch {
    return empty;
  }
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
