/** What a build output tells of the sources that it was built from, by its source map. */
import { AnyMap, originalPositionFor, type TraceMap } from '@jridgewell/trace-mapping';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MAP_COMMENT = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm;

export interface Position {
  readonly file: string;
  readonly line: number;
  /** Counts from 1; null where only the line is known. */
  readonly column: number | null;
}

/** Whether `output` was built from `source`; false too where there is no map, or none that can be read. */
export function isBuiltFrom(output: string, source: string): boolean {
  return mapOf(output)?.resolvedSources.some((url) => isSource(url, source, output)) ?? false;
}

/** Whether `output` holds the source as it is now; undefined where its map does not tell. */
export function isBuiltFromText(output: string, source: string): boolean | undefined {
  const map = mapOf(output);
  const index = map?.resolvedSources.findIndex((url) => isSource(url, source, output)) ?? -1;
  const built = map?.sourcesContent?.[index];
  if (built === undefined || built === null) return undefined;
  const text = textOf(source);
  return text === undefined ? undefined : text === built;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Whether the map of `output` holds a source as it is on disk: then what differs from it has changed. */
export function holdsTexts(output: string): boolean {
  const { resolvedSources = [], sourcesContent } = mapOf(output) ?? {};
  return resolvedSources.some((url, index) => {
    const file = url === null ? undefined : fileOf(url, output);
    const built = sourcesContent?.[index];
    return file !== undefined && typeof built === 'string' && textOf(file) === built;
  });
}

/** The place in the source that a place in a build output stands for; the same place where nothing tells, or the source is not here. */
export function inSource(place: Position): Position {
  const map = mapOf(place.file);
  if (!map) return place;
  const { source, line, column } = originalPositionFor(map, { line: place.line, column: (place.column ?? 1) - 1 });
  const file = source === null ? undefined : fileOf(source, place.file);
  if (file === undefined || line === null || !existsSync(file)) return place;
  return { file, line, column: place.column === null ? null : column + 1 };
}

function mapOf(output: string): TraceMap | undefined {
  try {
    const url = [...readFileSync(output, 'utf8').matchAll(MAP_COMMENT)].at(-1)?.[1];
    if (url === undefined) return undefined;
    const isInline = url.startsWith('data:');
    const file = isInline ? output : (pathOf(url) ?? resolve(dirname(output), decodeURIComponent(url)));
    return AnyMap(isInline ? inlineText(url) : readFileSync(file, 'utf8'), pathToFileURL(file).href);
  } catch {
    // A builder may be just writing it: then nothing is known of it.
    return undefined;
  }
}

function inlineText(url: string): string {
  const comma = url.indexOf(',');
  const data = url.slice(comma + 1);
  return url.slice(0, comma).endsWith(';base64') ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data);
}

function isSource(url: string | null, source: string, output: string): boolean {
  if (url === null) return false;
  const bundled = withinProject(url);
  if (bundled === undefined) return pathOf(url) === source;
  if (!source.endsWith(sep + bundled)) return false;
  const folder = source.slice(0, -bundled.length);
  return output.startsWith(folder);
}

/** The file that a bundler's URL in a stack means, as `webpack://shop/src/a.ts`, which Node takes from the map of `output`. */
export function bundledSource(url: string, output: string): string | undefined {
  return withinProject(url) === undefined ? undefined : fileOf(url, output);
}

/** webpack names a source by its way from the folder that it was started in, which is one above the output. */
function fileOf(url: string, output: string): string | undefined {
  const bundled = withinProject(url);
  if (bundled === undefined) return pathOf(url);
  for (let folder = dirname(output); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, bundled);
    if (existsSync(file)) return file;
  }
  return undefined;
}

/** `src/a.ts` of `webpack://shop/./src/a.ts?1f2e`; what it makes up itself has no file of such a name. */
function withinProject(url: string): string | undefined {
  const way = /^(?:webpack|rspack):\/\/[^/]*\/+([^?]+)/.exec(url)?.[1];
  return way === undefined ? undefined : normalize(way);
}

function pathOf(url: string): string | undefined {
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}
