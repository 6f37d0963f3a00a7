/** What the workers write, line by line and never mixed within a line, each with its writer's name; with the back-pressure of a plain pipe. */
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A longer line is passed on in parts. */
const LONGEST_LINE = 65_536;
/** Kept of stderr to tell why a process ended. */
const TAIL = 4096;

export class Output {
  private readonly out: Writable;
  private readonly isWaiting = new Set<Readable>();
  private isDrainAwaited = false;

  constructor(out: Writable) {
    this.out = out;
    // The terminal is gone: the server goes on until it is told otherwise.
    out.on('error', () => undefined);
  }

  /** A line of our own. */
  line(text: string): void {
    this.out.write(`${text}\n`);
  }

  /**
   * Passes a stream on.
   *
   * @param prefix asked for each line, since a process may get its name late; undefined = not known yet, hold the lines back
   * @returns the end of what was written so far
   */
  follow(
    source: Readable,
    prefix: () => string | undefined,
  ): { readonly tail: () => string; readonly release: () => void } {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    let tail = '';
    let held: string[] = [];
    const put = (lines: string[]): void => {
      const name = prefix();
      if (name === undefined) {
        held.push(...lines);
        return;
      }
      const all = [...held, ...lines];
      held = [];
      if (all.length > 0 && !this.out.write(all.map((line) => `${name}${line}\n`).join(''))) this.pause(source);
    };
    source.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      tail = (tail + text).slice(-TAIL);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) {
        lines.push(rest);
        rest = '';
      }
      put(lines);
    });
    source.on('close', () => put(rest === '' ? [] : [rest]));
    source.on('error', () => undefined);
    return { tail: () => tail, release: () => put([]) };
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
