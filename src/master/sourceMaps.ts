/** What a build output tells of the sources that it was built from, by its source map. */
import { AnyMap, originalPositionFor, type TraceMap } from '@jridgewell/trace-mapping';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
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
  return mapOf(output)?.resolvedSources.some((url) => url !== null && pathOf(url) === source) ?? false;
}

/** Whether `output` holds the source as it is now; undefined where its map does not tell. */
export function isBuiltFromText(output: string, source: string): boolean | undefined {
  const map = mapOf(output);
  const index = map?.resolvedSources.findIndex((url) => url !== null && pathOf(url) === source) ?? -1;
  const built = map?.sourcesContent?.[index];
  if (built === undefined || built === null) return undefined;
  try {
    return readFileSync(source, 'utf8') === built;
  } catch {
    return undefined;
  }
}

/** The place in the source that a place in a build output stands for; the same place where nothing tells, or the source is not here. */
export function inSource(place: Position): Position {
  const map = mapOf(place.file);
  if (!map) return place;
  const { source, line, column } = originalPositionFor(map, { line: place.line, column: (place.column ?? 1) - 1 });
  const file = source === null ? undefined : pathOf(source);
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

function pathOf(url: string): string | undefined {
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}
