/** The sources that a build output names in its source map. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const MAP_COMMENT = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm;

const mapSchema = z.object({
  sourceRoot: z.string().nullish(),
  sources: z.array(z.string().nullable()),
});

/** Whether `output` was built from `source`; false too where there is no map, or none that can be read. */
export function isBuiltFrom(output: string, source: string): boolean {
  try {
    const url = [...readFileSync(output, 'utf8').matchAll(MAP_COMMENT)].at(-1)?.[1];
    if (url === undefined) return false;
    const inline = url.startsWith('data:');
    const file = inline ? output : fromUrl(url, dirname(output));
    const { sourceRoot, sources } = mapSchema.parse(JSON.parse(inline ? inlineText(url) : readFileSync(file, 'utf8')));
    const root = fromUrl(sourceRoot ?? '', dirname(file));
    return sources.some((one) => one !== null && fromUrl(one, root) === source);
  } catch {
    // A builder may be just writing it: then nothing is known of it.
    return false;
  }
}

function inlineText(url: string): string {
  const comma = url.indexOf(',');
  const data = url.slice(comma + 1);
  return url.slice(0, comma).endsWith(';base64') ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data);
}

function fromUrl(url: string, folder: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : resolve(folder, decodeURIComponent(url));
}
