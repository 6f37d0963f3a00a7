/**
 * What the workers and builders have written, for those who ask later or read along: a bounded memory for each slot that lasts over its
 * generations, so that the last words of a worker that crashed are still there. Whoever reads along asks for what comes
 * after what he has; nothing is kept for him, and one who reads slowly misses what has left the memory meanwhile.
 */
import type { Group } from '../core/pool.ts';
import type { ControlParams, ControlResult } from '../protocol/control.ts';
import { BUILD_PLACE, writerOf, type LogBlock } from '../protocol/logs.ts';

/** Kept of each slot, in segments that are written anew in turn, so that a flood leaves no garbage. */
const MOST_BYTES = 1_000_000;
const SEGMENT_BYTES = 125_000;
/** What a block takes beside its bytes. */
const BLOCK_BYTES = 200;
/** Text of one answer, about: a message has its limits. */
const PAGE_LENGTH = 256_000;
const LINE_END = 10;

type Page = ControlResult<'logs'>;
type Place = Pick<LogBlock, 'group' | 'slot' | 'build'>;

/** Whole lines that came together. Positions count the lines of all workers in the order in which they came. */
interface Block extends Omit<LogBlock, 'text'> {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
}

interface Segment {
  readonly memory: Buffer;
  used: number;
  blocks: Block[];
}

interface Reader {
  readonly client: object;
  readonly wake: (isThere: boolean) => void;
}

export class WorkerLogs {
  private readonly slots = new Map<string, SlotLog>();
  private readonly readers = new Set<Reader>();
  private written = 0;
  private isTellingDue = false;
  private isOver = false;

  /** @param lines whole ones, each with its end */
  keep(by: Place & Pick<LogBlock, 'generation' | 'pid'>, stream: LogBlock['stream'], lines: Buffer): void {
    const key = writerOf(by);
    const slot = this.slots.get(key) ?? new SlotLog(by);
    this.slots.set(key, slot);
    const from = this.written;
    this.written += linesIn(lines);
    const time = new Date().toISOString();
    const about = { ...by, stream, time, line: slot.lines + 1 };
    slot.add({ ...about, from, to: this.written, bytes: lines });
    this.tell();
  }

  /** What slots and builders have written that are no more is forgotten. */
  keepOnly(groups: readonly Group[], builds: readonly string[]): void {
    const places: Place[] = groups.flatMap(({ spec, slots }) =>
      slots.map(({ index }) => ({ group: spec.name, slot: index })),
    );
    const kept = new Set([...places, ...builds.map((build) => ({ ...BUILD_PLACE, build }))].map(writerOf));
    for (const key of this.slots.keys()) if (!kept.has(key)) this.slots.delete(key);
  }

  /** @param client who asks: nothing is waited for once `onGone` has told that it is gone */
  async read({ group, slot, build, lines, after, wait }: ControlParams<'logs'>, client: object): Promise<Page> {
    const isMeant = (place: Place): boolean => {
      if (build !== undefined) return place.build !== undefined && (build === true || build === place.build);
      if (place.build !== undefined) return group === undefined && slot === undefined;
      return (group ?? place.group) === place.group && (slot ?? place.slot) === place.slot;
    };
    const start = after ?? startOf(this.of(isMeant), lines ?? 0, this.written);
    for (;;) {
      const page = this.page(this.of(isMeant), start);
      if (page.blocks.length > 0 || !wait || this.isOver || !(await this.news(client))) return page;
    }
  }

  onGone(client: object): void {
    for (const reader of [...this.readers]) {
      if (reader.client !== client) continue;
      this.readers.delete(reader);
      reader.wake(false);
    }
  }

  /** Nothing comes any more. */
  dispose(): void {
    this.isOver = true;
    this.tell();
  }

  private of(isMeant: (place: Place) => boolean): SlotLog[] {
    return [...this.slots.values()].filter(({ place }) => isMeant(place));
  }

  private page(slots: readonly SlotLog[], start: number): Page {
    const found = slots.flatMap((slot) => slot.since(start)).sort((a, b) => a.from - b.from);
    const blocks: Block[] = [];
    let length = 0;
    for (const block of found) {
      if (length > PAGE_LENGTH) break;
      length += block.bytes.length;
      blocks.push(block);
    }
    const more = length > PAGE_LENGTH;
    return {
      blocks: blocks.map(({ from: _from, to: _to, bytes, ...block }) => ({ ...block, text: bytes.toString() })),
      next: more ? blocks.at(-1)!.to : Math.max(start, this.written),
      more,
      over: this.isOver,
    };
  }

  /** Resolves with the next lines of anyone: true; false when the one who waits is gone. */
  private news(client: object): Promise<boolean> {
    return new Promise((wake) => this.readers.add({ client, wake }));
  }

  /** Lines come by the thousand: who waits for them is told once for all that have come together. */
  private tell(): void {
    if (this.readers.size === 0 || this.isTellingDue) return;
    this.isTellingDue = true;
    setImmediate(() => {
      this.isTellingDue = false;
      for (const { wake } of [...this.readers]) wake(true);
      this.readers.clear();
    });
  }
}

class SlotLog {
  readonly place: Place;
  /** Written so far, also what has left the memory. */
  lines = 0;
  private readonly segments: Segment[] = [];

  constructor(place: Place) {
    this.place = place;
  }

  /** Copies what the block holds. */
  add(block: Block): void {
    this.lines += block.to - block.from;
    const { length } = block.bytes;
    const segment = this.room(length);
    const bytes = segment.memory.subarray(segment.used, segment.used + length);
    block.bytes.copy(bytes);
    segment.used += length;
    segment.blocks.push({ ...block, bytes });
  }

  /** The blocks that hold the last lines. */
  last(lines: number): Block[] {
    const blocks = this.blocks();
    const first = blocks.findLastIndex(({ line }) => line <= this.lines - lines + 1);
    return lines === 0 ? [] : blocks.slice(Math.max(0, first));
  }

  /** From that position on, about as much as an answer takes. */
  since(position: number): Block[] {
    const blocks = this.blocks();
    const found: Block[] = [];
    let length = 0;
    for (let index = blocks.findLastIndex(({ to }) => to <= position) + 1; index < blocks.length; index++) {
      if (length > PAGE_LENGTH) break;
      const block = withoutBefore(blocks[index]!, position);
      length += block.bytes.length;
      found.push(block);
    }
    return found;
  }

  private blocks(): Block[] {
    return this.segments.flatMap(({ blocks }) => blocks);
  }

  private size(): number {
    return this.segments.reduce((sum, { memory }) => sum + memory.length, 0);
  }

  /** The last segment, if so many bytes still go into it, else a new one, in the memory of the oldest where there are enough. */
  private room(bytes: number): Segment {
    const last = this.segments.at(-1);
    const taken = last ? last.used + last.blocks.length * BLOCK_BYTES : 0;
    if (last && taken + bytes + BLOCK_BYTES <= last.memory.length) return last;
    const size = Math.max(SEGMENT_BYTES, bytes + BLOCK_BYTES);
    let memory: Buffer | undefined;
    while (this.segments.length > 0 && this.size() + size > MOST_BYTES) memory = this.segments.shift()?.memory;
    if (memory?.length !== size) memory = Buffer.allocUnsafeSlow(size);
    const segment: Segment = { memory, used: 0, blocks: [] };
    this.segments.push(segment);
    return segment;
  }
}

/** The position from which on there are that many lines. */
function startOf(slots: readonly SlotLog[], lines: number, end: number): number {
  const newestFirst = slots.flatMap((slot) => slot.last(lines)).sort((a, b) => b.from - a.from);
  let left = lines;
  let start = end;
  for (const { from, to } of newestFirst) {
    if (left <= 0) break;
    start = Math.max(from, to - left);
    left -= to - from;
  }
  return start;
}

function withoutBefore(block: Block, position: number): Block {
  let start = 0;
  for (let line = block.from; line < position; line++) start = block.bytes.indexOf(LINE_END, start) + 1;
  const line = block.line + Math.max(0, position - block.from);
  return start === 0 ? block : { ...block, line, bytes: block.bytes.subarray(start) };
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1)) count++;
  return count;
}
