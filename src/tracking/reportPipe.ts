/**
 * Reports to the master, one JSON document a line on a pipe of their own. Written synchronously in batches, so that they
 * arrive even when the program throws while it loads, and so that they can be written from any thread.
 */
import { writeSync } from 'node:fs';
import type { Report } from '../protocol/workerMessages.ts';

const BATCH = 200;

export class ReportPipe {
  private readonly fd: number;
  private lines: string[] = [];
  private count = 0;
  private isFlushDue = false;

  constructor(fd: number) {
    this.fd = fd;
    process.on('exit', () => this.flush());
  }

  write(report: Report): void {
    this.lines.push(`${JSON.stringify(report)}\n`);
    this.count += 1;
    if (this.lines.length >= BATCH) this.flush();
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    setImmediate(() => {
      this.isFlushDue = false;
      this.flush();
    }).unref();
  }

  /** Writes out what waits; answers with the number of reports written so far. */
  flush(): number {
    if (this.lines.length > 0) {
      const bytes = Buffer.from(this.lines.join(''));
      this.lines = [];
      writeFully(this.fd, bytes);
    }
    return this.count;
  }
}

export function writeFully(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      // The pipe is full: the master reads on. Anything else means that it is gone, and so will we be.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}
