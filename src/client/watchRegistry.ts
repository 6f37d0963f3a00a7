import { mkdirSync, watch, type FSWatcher } from 'node:fs';
import { runtimeFolder } from '../platform/runtimeFolder.ts';

/**
 * Tells whenever servers may have come or gone. Where the folder cannot be watched it is looked at every `fallbackMs`.
 *
 * @returns a function that ends the watch
 */
export function watchRegistry(onChange: () => void, fallbackMs = 2000): () => void {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const folder = runtimeFolder();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    watcher = watch(folder, () => onChange());
    watcher.on('error', () => poll());
  } catch {
    poll();
  }
  function poll(): void {
    watcher?.close();
    timer ??= setInterval(onChange, fallbackMs);
    timer.unref();
  }
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}
