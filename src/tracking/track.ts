/** Everything that a process is told apart by: the modules it loads, the threads it starts, the files it reads and writes. */
import { FileReads } from './fileReads.ts';
import { trackLoadedFiles, type LoadedFilesOptions } from './loadedFiles.ts';
import { trackThreads } from './threads.ts';

export interface TrackOptions extends LoadedFilesOptions {
  /** Files below it count when they are read; null: reads are not looked at. */
  readonly root: string | null;
  readonly isReady: () => boolean;
}

export interface Tracking {
  /** The program serves: what it reads from now on does not count. */
  onReady(): void;
}

export function track(options: TrackOptions): Tracking {
  const isModule = trackLoadedFiles(options);
  trackThreads(options.report);
  if (options.root === null) return { onReady: () => undefined };
  const { report, root, isReady } = options;
  const reads = new FileReads({ report, root, isModule, isReady });
  reads.install();
  return reads;
}
