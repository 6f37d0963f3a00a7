/**
 * How far a builder is, by what it writes: compilers tell when they begin, when they are through and what is wrong, each in
 * its own words. One whose words are not known says nothing here.
 */

/** `quiet`: nothing has been understood yet. */
export type BuildPhase = 'quiet' | 'building' | 'built' | 'failed';

export interface BuildError {
  readonly message: string;
  /** As the builder writes it. */
  readonly file: string | null;
  readonly line: number | null;
  /** Counts from 1. */
  readonly column: number | null;
}

const BEGINS: readonly RegExp[] = [
  // tsc and what is made of it, `nest build`.
  /Starting compilation in watch mode\.\.\.$/,
  /File change detected\. Starting incremental compilation\.\.\.$/,
  // `nest build` with SWC.
  /^>\s+SWC\s+Running\.\.\.$/,
  // esbuild
  /^\[watch\] build started/,
  // tsup
  /\bCLI Change detected:/,
  /\b(?:CJS|ESM|IIFE) Build start$/,
  // rollup
  /^bundles .+ → .+\.\.\.$/,
  // tsdown
  /^ℹ (?:Build start|Found .+ changed, rebuilding\.\.\.)$/,
];

/** With nothing wrong told since the last begin it has been built. */
const ENDS: readonly RegExp[] = [
  /^\[watch\] build finished/,
  /\b(?:CJS|ESM|IIFE) .*Build success in /,
  /^created .+ in /,
  /^✔ (?:Rebuilt|Build complete) in /,
];
const TSC_END = /Found (\d+) errors?\. Watching for file changes\.$/;
/** These tell of no begin. */
const COMPILED = /^Successfully compiled:? (.+?) with (?:swc|Babel)\b/;
const BUNDLED = /\bcompiled (?:successfully|with \d+ warnings?)\b/;
/** So long it took. */
const TOOK = /(?: in |\()(\d+(?:\.\d+)?) ?ms\b/;
const FAILS: readonly RegExp[] = [
  /\bcompiled with (?:\d+ warnings? and )?\d+ errors?\b/,
  /\bBuild failed\b/,
  /^Failed to compile \d+ files? with swc/i,
  /^\[!\] /,
];

interface Mistake {
  readonly pattern: RegExp;
  /** Which group of the pattern holds what; 0: it stands on a line below. */
  readonly message: number;
  readonly place?: readonly [file: number, line: number, column: number];
  readonly countsFrom?: 0;
}

/** A mistake as it is put together from several lines. */
interface Told extends BuildError {
  readonly toldAt: number;
  /** What is wrong is still to be told. */
  readonly isOpen?: boolean;
  /** In the source itself, not in what a loader made of it. */
  readonly isExact?: boolean;
}

const MISTAKES: readonly Mistake[] = [
  { pattern: /^(\S.*?)\((\d+),(\d+)\): error (TS\d+: .*)$/, message: 4, place: [1, 2, 3] },
  { pattern: /^(\S.*?):(\d+):(\d+) - error (TS\d+: .*)$/, message: 4, place: [1, 2, 3] },
  { pattern: /^SyntaxError: (\/.+?): (.+) \((\d+):(\d+)\)$/, message: 2, place: [1, 3, 4], countsFrom: 0 },
  {
    pattern: /^\[!\] (?:\(.+?\) )?(?:\w*Error: )?(\S.+?) \((\d+):(\d+)\): (.+)$/,
    message: 4,
    place: [1, 2, 3],
    countsFrom: 0,
  },
  { pattern: /^[✘X] \[ERROR\] (.+)$/, message: 1, countsFrom: 0 },
  { pattern: /^ {2}[x×] (.+)$/, message: 1 },
  { pattern: /^\[[A-Z_]+\] Error: (.+)$/, message: 1 },
  // webpack; nothing is wrong in a place of its own where a loader has failed.
  { pattern: /^ERROR in (\S+?)(?: (\d+):(\d+)(?:-[\d:]+)?)?$/, message: 0, place: [1, 2, 3], countsFrom: 0 },
  { pattern: /^\[!\] (?:\(.+?\) )?(.+)$/, message: 1, countsFrom: 0 },
];
/** The place of a mistake, on a line below it. */
const PLACES: readonly RegExp[] = [/^\s+(\S.*?):(\d+):(\d+):$/, /^\s*(?:,-|╭─)\[\s*(.+?):(\d+):(\d+)\s*\]$/];
/** The same of what ts-loader tells within a mistake of webpack's. */
const EXACT_PLACE = /^\[tsl\] ERROR in (.+?)\((\d+),(\d+)\)$/;
/** Between the place of a mistake and what is wrong there. */
const NO_MESSAGE = /^(?:\s*|\.\/\S+ \d+:\d+\S*|Module build failed \(from .*\):)$/;
const PLACE_WITHIN = 12;
/** The mistakes of one build are told within this time of each other. */
const SAME_BUILD_MS = 100;
/** Of the type checker alone: what is checked may have been written all the same. */
const OF_TYPES = /^TS\d{4,5}: /;

export class BuildProgress {
  phase: BuildPhase = 'quiet';
  /** Since when, in the time of whoever tells of the lines. */
  since = 0;
  /** When it last began, as far as it tells; what was saved before that is in what it makes. */
  reactedAt = -Infinity;
  /** Until when it may have begun: one that tells of no begin may have seen what was saved before it told of the end. */
  reactedBy = -Infinity;
  lastLineAt = -Infinity;
  /** Of the last build, or of the one that runs. */
  error: BuildError | null = null;
  private mistakes: Told[] = [];
  /** The builder has told that it is through, so what follows is of another build. */
  private isOver = false;
  private linesSinceMistake = 0;
  private countsFrom: 0 | 1 = 1;

  /** Whether all that was wrong is wrong for the type checker only. */
  get isOfTypes(): boolean {
    return this.mistakes.length > 0 && this.mistakes.every(({ message }) => OF_TYPES.test(message));
  }

  /**
   * @param text one line, without colours
   * @returns whether anything is another now
   */
  line(text: string, now: number): boolean {
    this.lastLineAt = now;
    if (BEGINS.some((pattern) => pattern.test(text))) {
      this.mistakes = [];
      this.isOver = false;
      this.error = null;
      this.reactedAt = this.reactedBy = now;
      return this.enter('building', now);
    }
    const isMistake = this.takeMistake(text, now);
    if (isMistake) {
      // One that is through, and tells of no begin, tells so that it failed.
      if (this.phase === 'building') {
        const hasEnded = FAILS.some((pattern) => pattern.test(text));
        return hasEnded ? this.enter('failed', now) : true;
      }
      // The same may be told twice, the second time after the save that mends it.
      if (this.phase !== 'failed') this.reactedAt = now;
      this.reactedBy = now;
      return this.enter('failed', now);
    }
    const isPlaced = this.takePlace(text);
    const ended = this.endOf(text);
    if (ended === undefined) return isPlaced;
    this.isOver = true;
    const tellsNoBegin = this.reactedAt === -Infinity || COMPILED.test(text) || BUNDLED.test(text);
    if (this.phase !== 'building' && tellsNoBegin) {
      this.reactedAt = Math.max(this.reactedAt, now - Number(TOOK.exec(text)?.[1] ?? 0));
      this.reactedBy = now;
    }
    if (ended === 'failed' && this.mistakes.length === 0)
      this.take({ message: text.trim(), file: null, line: null, column: null, toldAt: now });
    return this.enter(ended, now);
  }

  private endOf(text: string): 'built' | 'failed' | undefined {
    const errors = TSC_END.exec(text)?.[1];
    if (errors !== undefined) return errors === '0' ? 'built' : 'failed';
    if (FAILS.some((pattern) => pattern.test(text))) return 'failed';
    if (ENDS.some((pattern) => pattern.test(text))) return this.mistakes.length === 0 ? 'built' : 'failed';
    const compiled = COMPILED.exec(text)?.[1];
    if (compiled !== undefined) {
      if (this.phase === 'failed' && (/^0 files/.test(compiled) || this.isAnother(compiled))) return undefined;
      this.mistakes = [];
      this.error = null;
      return 'built';
    }
    if (!BUNDLED.test(text)) return undefined;
    this.mistakes = [];
    this.error = null;
    return 'built';
  }

  /** Compiled was one file, and what is wrong is in another one. */
  private isAnother(compiled: string): boolean {
    const isOne = !/^\d+ files?$/.test(compiled);
    return isOne && typeof this.error?.file === 'string' && !samePath(this.error.file, compiled);
  }

  private takeMistake(text: string, now: number): boolean {
    for (const { pattern, message, place, countsFrom = 1 } of MISTAKES) {
      const found = pattern.exec(text);
      if (!found) continue;
      this.countsFrom = countsFrom;
      const [file, line, column] = place ?? [];
      const lineFound = line === undefined ? undefined : found[line];
      this.take({
        message: found[message]!.trim(),
        file: file === undefined ? null : found[file]!,
        line: lineFound === undefined ? null : Number(lineFound),
        column: lineFound === undefined ? null : Number(found[column!]) + 1 - countsFrom,
        isOpen: message === 0,
        toldAt: now,
      });
      return true;
    }
    return false;
  }

  private take(mistake: Told): void {
    if (this.isOver) this.mistakes = [];
    this.isOver = false;
    this.linesSinceMistake = 0;
    this.mistakes.push(mistake);
    this.amend(mistake);
  }

  /** The first one, of those with the best place. */
  private choose(): void {
    const { mistakes } = this;
    const best = mistakes.find(({ isExact }) => isExact) ?? mistakes.find(({ line }) => line !== null) ?? mistakes[0]!;
    const { message, file, line, column } = best;
    this.error = { message, file, line, column };
  }

  private takePlace(text: string): boolean {
    const last = this.mistakes.at(-1);
    this.linesSinceMistake += 1;
    if (last?.isOpen) return this.takeRest(text, last);
    if (last?.file !== null || this.linesSinceMistake > PLACE_WITHIN) return false;
    const found = PLACES.map((pattern) => pattern.exec(text)).find((match) => match !== null);
    if (!found) return false;
    const [, file = '', line, column] = found;
    return this.amend({ ...last, file, line: Number(line), column: Number(column) + 1 - this.countsFrom });
  }

  private takeRest(text: string, last: Told): boolean {
    const [, file, line, column] = EXACT_PLACE.exec(text) ?? [];
    if (file !== undefined)
      return this.amend({ ...last, file, line: Number(line), column: Number(column), isExact: true });
    return NO_MESSAGE.test(text) ? false : this.amend({ ...last, message: text.trim(), isOpen: false });
  }

  private amend(mistake: Told): boolean {
    this.mistakes[this.mistakes.length - 1] = mistake;
    // One that tells neither begin nor end, and builds one file at a time: the file is as wrong as told last.
    const isOfNow = ({ file, toldAt }: Told): boolean =>
      file === null || file !== mistake.file || mistake.toldAt - toldAt < SAME_BUILD_MS;
    this.mistakes = this.mistakes.filter(isOfNow);
    this.choose();
    return true;
  }

  private enter(phase: BuildPhase, now: number): boolean {
    this.phase = phase;
    this.since = now;
    return true;
  }
}

function samePath(a: string, b: string): boolean {
  const [long, short] = a.length > b.length ? [a, b] : [b, a];
  return long === short || long.endsWith(`/${short.replace(/^\.\//, '')}`);
}
