/** `new Worker(file)`: no module hook tells who started a thread. */
import { syncBuiltinESMExports } from 'node:module';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import threads from 'node:worker_threads';
import type { Report } from '../protocol/workerMessages.ts';
import { callSite } from './callSite.ts';
import { isPackaged } from './ownFiles.ts';

export function trackThreads(report: (report: Report) => void): void {
  threads.Worker = new Proxy(threads.Worker, {
    construct(target, args: unknown[], newTarget) {
      const file = fileOf(args[0], args[1]);
      const from = file === undefined || isPackaged(file) ? undefined : callSite();
      if (file !== undefined && from)
        report({ r: 'edge', parent: from.file, file, specifier: basename(file), line: from.line });
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
  syncBuiltinESMExports();
}

function fileOf(script: unknown, options: unknown): string | undefined {
  if ((options as { eval?: unknown } | undefined)?.eval === true) return undefined;
  if (script instanceof URL) return script.protocol === 'file:' ? fileURLToPath(script) : undefined;
  return typeof script === 'string' ? resolve(script) : undefined;
}
