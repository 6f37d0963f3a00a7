/** What V8 has made of the packages that a spare loads ahead, kept on disk for the next spare. */
import Module from 'node:module';

/**
 * Not where somebody has turned it on or off, nor where coverage is taken, which is less exact with it. Only for what is
 * loaded ahead: a process that fills it as it exits would do so beside the spare that loads for the next save.
 *
 * @returns writes what is new of it
 */
export function useCompileCache(folder: string | null): () => void {
  const { enableCompileCache, flushCompileCache, getCompileCacheDir } = Module as Partial<typeof Module>;
  const isUsual = process.env['NODE_DISABLE_COMPILE_CACHE'] === undefined && !process.env['NODE_V8_COVERAGE'];
  // Before 22.10 it is written at the end of a process only.
  if (folder === null || !isUsual || !enableCompileCache || !flushCompileCache || getCompileCacheDir?.() !== undefined)
    return () => undefined;
  enableCompileCache(folder);
  return () => flushCompileCache();
}
