/** Everything that a process is told apart by: the modules it loads, the threads it starts, the files it reads and writes. */
import { FileReads, type FileReadsOptions } from './fileReads.ts';
import { trackLoadedFiles, type LoadedFilesOptions } from './loadedFiles.ts';
import { trackThreads } from './threads.ts';

interface ReadsOptions extends Omit<FileReadsOptions, 'root'> {
  /** Files below it count when they are read; null: reads are not looked at. */
  readonly root: string | null;
}

export type TrackOptions = LoadedFilesOptions & Omit<ReadsOptions, 'isModule'>;

export interface Tracking {
  /** The program serves: what it reads from now on does not count. */
  onReady(): void;
}

export function track(options: TrackOptions): Tracking {
  const isModule = trackLoadedFiles(options);
  trackThreads(options.report);
  return trackReads({ ...options, isModule });
}

export function trackReads(options: ReadsOptions): Tracking {
  const { report, root, isReady, isModule } = options;
  if (root === null) return { onReady: () => undefined };
  const reads = new FileReads({ report, root, isModule, isReady });
  reads.install();
  return reads;
}
