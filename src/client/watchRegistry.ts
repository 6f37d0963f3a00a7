import { existsSync, mkdirSync, watch, type FSWatcher } from 'node:fs';
import { basename } from 'node:path';
import { runtimeFolder } from '../platform/runtimeFolder.ts';

/**
 * Tells whenever servers may have come or gone. Where the folder cannot be watched it is looked at every `fallbackMs`.
 *
 * @returns a function that ends the watch
 */
export function watchRegistry(onChange: () => void, fallbackMs = 2000): () => void {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  const open = (): void => {
    watcher?.close();
    try {
      const folder = runtimeFolder();
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      watcher = watch(folder, (type, name) => {
        // A watch ends with its folder, of which it tells as of a file in it; servers make it anew.
        if ((type === 'rename' && name === basename(folder)) || !existsSync(folder)) open();
        onChange();
      });
      watcher.on('error', poll);
    } catch {
      poll();
    }
  };
  function poll(): void {
    watcher?.close();
    timer ??= setInterval(onChange, fallbackMs);
    timer.unref();
  }
  open();
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}
