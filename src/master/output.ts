/**
 * What the workers write, line by line and never mixed within a line, each with its writer's name; with the back-pressure
 * of a plain pipe. Bytes stay bytes: as text a flood of them would make the heap grow.
 */
import type { Readable, Writable } from 'node:stream';

/** A longer line is passed on in parts. */
const LONGEST_LINE = 65_536;
/** Held back at most while nobody knows whose lines they are. */
const MOST_HELD = 262_144;
/** Kept of stderr to tell why a process ended. */
const TAIL = 4096;
const LINE_END = 10;
/** Nobody is there to read: a pipe like that to `head`, or a terminal, was closed. */
const CLOSED = new Set(['EPIPE', 'EIO']);
const ONE_LINE_END = Buffer.from([LINE_END]);

/** Whose lines they are. */
export interface Writer {
  /** Stands before each line. */
  readonly prefix: string;
  /** Keeps whole lines for those who ask later. */
  readonly keep?: (lines: Buffer) => void;
}

export const BOOTSTRAP_WRITER: Writer = { prefix: 'bootstrap | ' };

export class Output {
  private readonly out: Writable;
  private readonly isWaiting = new Set<Readable>();
  private isDrainAwaited = false;

  /** @param onLost the first time that something cannot be written although it may be wanted: a disk is full */
  constructor(out: Writable, onLost: (error: Error) => void = () => undefined) {
    this.out = out;
    let isTold = false;
    // The server goes on until it is told otherwise.
    out.on('error', (error: NodeJS.ErrnoException) => {
      if (isTold || CLOSED.has(error.code ?? '')) return;
      isTold = true;
      onLost(error);
    });
  }

  /** A line of our own. */
  line(text: string): void {
    this.out.write(`${text}\n`);
  }

  /**
   * Passes a stream on.
   *
   * @param writer asked each time, since a process may get its name late; undefined = not known yet, the lines are held
   * back, and once there are too many of them (`isFull`) the process has to wait
   * @returns the end of what was written so far
   */
  follow(
    source: Readable,
    writer: (isFull: boolean) => Writer | undefined,
  ): { readonly tail: () => string; readonly release: () => void } {
    const rest = new Pieces();
    const held = new Pieces();
    const tail = new Pieces();
    const put = (): void => {
      if (held.length === 0) return;
      const isFull = held.length > MOST_HELD;
      const by = writer(isFull);
      if (!by) {
        if (isFull) source.pause();
        return;
      }
      const lines = held.take();
      by.keep?.(lines);
      if (!this.out.write(named(lines, by.prefix))) this.pause(source);
      else if (isFull) source.resume();
    };
    source.on('data', (chunk: Buffer) => {
      tail.add(chunk);
      tail.keepLast(TAIL);
      const end = chunk.lastIndexOf(LINE_END) + 1;
      if (end > 0) held.add(rest.take(), chunk.subarray(0, end));
      rest.add(chunk.subarray(end));
      if (rest.length > LONGEST_LINE) held.add(rest.take(), ONE_LINE_END);
      put();
    });
    source.on('close', () => {
      if (rest.length > 0) held.add(rest.take(), ONE_LINE_END);
      put();
    });
    source.on('error', () => undefined);
    return { tail: () => tail.all().toString().slice(-TAIL), release: put };
  }

  private pause(source: Readable): void {
    source.pause();
    this.isWaiting.add(source);
    if (this.isDrainAwaited) return;
    this.isDrainAwaited = true;
    const resume = (): void => {
      this.isDrainAwaited = false;
      this.out.removeListener('drain', resume);
      this.out.removeListener('error', resume);
      for (const each of this.isWaiting) each.resume();
      this.isWaiting.clear();
    };
    this.out.on('drain', resume);
    this.out.on('error', resume);
  }
}

/** Bytes that came one after the other. */
class Pieces {
  length = 0;
  private list: Buffer[] = [];

  add(...pieces: Buffer[]): void {
    for (const piece of pieces) {
      if (piece.length > 0) this.list.push(piece);
      this.length += piece.length;
    }
  }

  all(): Buffer {
    return this.list.length === 1 ? this.list[0]! : Buffer.concat(this.list);
  }

  take(): Buffer {
    const all = this.all();
    this.list = [];
    this.length = 0;
    return all;
  }

  /** At least the last so many, in whole pieces. */
  keepLast(bytes: number): void {
    while (this.list.length > 1 && this.length - this.list[0]!.length >= bytes)
      this.length -= this.list.shift()!.length;
  }
}

function named(lines: Buffer, prefix: string): Buffer {
  if (prefix === '') return lines;
  const name = Buffer.from(prefix);
  const parts: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(LINE_END, at) + 1;
    parts.push(name, lines.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}
