/** Whether a builder has taken in what is on disk of its sources, as far as its words, its files and source maps tell. */
import { statSync } from 'node:fs';
import type { ErrorInfo } from '../protocol/status.ts';
import { buildFiles, newest, type BuildFiles, type Touched } from './buildFiles.ts';
import type { BuildProcess } from './buildProcess.ts';
import { plainError } from './errors.ts';
import { holdsTexts, isBuiltFrom, isBuiltFromText } from './sourceMaps.ts';

/** A builder begins within this time of a save, or the file is none of its sources. */
const REACTS_WITHIN_MS = 2000;
/** One that a source map names is a source. */
const SURELY_WITHIN_MS = 10_000;
/** A line may have been on its way for so long: what was saved in between may not be in what it tells of. */
const ON_ITS_WAY_MS = 20;
/** Then the builder begins once more, within this time of the end of the build. */
const AGAIN_MS = 500;
/** News may come while the files are being looked through: it is looked again after this time. */
const LOOK_MS = 500;
/** One that tells nothing is through when neither it nor its outputs have stirred for so long. */
const QUIET_MS = 300;
/** What is wrong, and where, may come in several lines: all of it is there after this time without one. */
const TELLS_MS = 50;

export type Freshness =
  | { readonly is: 'fresh' }
  /** What it waits for, in words, and after how many ms that may have changed by itself. */
  | { readonly is: 'busy'; readonly what: string; readonly recheckMs: number }
  | { readonly is: 'failed'; readonly error: ErrorInfo };

export interface FreshnessParts {
  readonly outputFolders: readonly string[];
  /** What the processes run. */
  readonly loaded: ReadonlySet<string>;
  /** Whether the server writes the file itself. */
  readonly isOwn: (file: string) => boolean;
  readonly display: (file: string) => string;
  readonly error: () => ErrorInfo | null;
}

interface Source extends Touched {
  /** What was built from it, as far as source maps tell. */
  readonly outputs: () => readonly string[];
}

export async function freshness(build: BuildProcess, parts: FreshnessParts): Promise<Freshness> {
  const { progress, command } = build;
  const busy = (what: string, ms: number): Freshness => ({
    is: 'busy',
    what,
    recheckMs: Math.min(LOOK_MS, Math.max(10, ms)),
  });
  const files = await buildFiles(build.cwd, parts.outputFolders);
  // Only now: it may have begun while the files were looked through.
  if (build.end === undefined && progress.phase === 'building') return busy(`"${command}" is building`, LOOK_MS);
  const outputs = [...parts.loaded].filter(
    (file) => /\.[mc]?js$/.test(file) && parts.outputFolders.some((folder) => file.startsWith(folder)),
  );
  const sources = files.sources
    .filter(({ file }) => !parts.loaded.has(file) && !parts.isOwn(file))
    .map((source): Source => ({
      ...source,
      outputs: () => outputs.filter((output) => isBuiltFrom(output, source.file)),
    }));

  if (build.end !== undefined) {
    const late = sources.find((source) => source.touchedAt > build.endedAt && source.outputs().length > 0);
    if (!late || build.isKilled) return { is: 'fresh' };
    const message = `The build "${command}" ${build.end}, and ${parts.display(late.file)} has changed since. A restart runs it again`;
    return { is: 'failed', error: plainError('build-failed', message) };
  }

  const now = Date.now();
  const { quietIn, ...reacted } = reaction(build, files, now);
  for (const source of sources.filter(({ touchedAt }) => now - touchedAt < SURELY_WITHIN_MS)) {
    if (isTakenIn(source, reacted, now - progress.since)) continue;
    const builtTo = source.outputs();
    // What mends a failed build may be written before the builder tells that it is through.
    const isUntold = progress.phase === 'failed' && source.touchedAt > reacted.reactedBy;
    if (!isUntold && builtTo.some((output) => isBuiltFromText(output, source.file))) continue;
    const within = builtTo.length > 0 ? SURELY_WITHIN_MS : REACTS_WITHIN_MS;
    const ms = source.touchedAt + within - now;
    const again = source.touchedAt <= reacted.reactedBy ? progress.since + AGAIN_MS - now : Infinity;
    if (ms > 0) return busy(`"${command}" has not built ${parts.display(source.file)} yet`, Math.min(ms, again));
  }
  if (quietIn > 0) return busy(`"${command}" is writing`, quietIn);
  const tellsUntil = progress.lastLineAt + TELLS_MS;
  if (progress.phase === 'failed' && tellsUntil > now)
    return busy(`"${command}" tells what is wrong`, tellsUntil - now);
  const missed = sources.find(
    (source) =>
      source.touchedAt > reacted.reactedBy &&
      (isMissing(source, outputs) || (source.touchedAt < progress.since && isOlder(source))),
  );
  if (missed) {
    const file = parts.display(missed.file);
    const message = `"${command}" has not built ${file} since it was saved: it has missed that. Save it again`;
    return { is: 'failed', error: { ...plainError('build-failed', message), file } };
  }
  if (progress.phase !== 'failed' || (await build.wrote(parts.outputFolders))) return { is: 'fresh' };
  return { is: 'failed', error: parts.error() ?? plainError('build-failed', `The build "${command}" has failed`) };
}

/** When it began what it has built last, for sure and at the latest. */
type Reaction = Pick<BuildProcess['progress'], 'reactedAt' | 'reactedBy'>;

/** @returns also in how many ms it can be taken to be through */
function reaction({ progress }: BuildProcess, files: BuildFiles, now: number): Reaction & { quietIn: number } {
  const { phase, reactedAt, reactedBy } = progress;
  if (phase !== 'quiet') return { reactedAt, reactedBy, quietIn: 0 };
  const last = Math.max(progress.lastLineAt, newest(files.outputs)?.writtenAt ?? -Infinity);
  return { reactedAt: last, reactedBy: last, quietIn: last + QUIET_MS - now };
}

/** Whether the outputs are made of another text, where their maps hold the sources as they are. */
function isMissing(source: Source, outputs: readonly string[]): boolean {
  return (
    source.outputs().some((output) => isBuiltFromText(output, source.file) === false) &&
    outputs.some((output) => holdsTexts(output))
  );
}

/** Whether nothing was written of it since: what was saved while a build ran, and is not in that build, no builder has begun another for. */
function isOlder(source: Source): boolean {
  const outputs = source.outputs();
  return outputs.length > 0 && outputs.every((output) => writtenAt(output) < source.touchedAt);
}

function writtenAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}

function isTakenIn({ touchedAt }: Touched, { reactedAt, reactedBy }: Reaction, throughMs: number): boolean {
  if (touchedAt <= reactedAt - ON_ITS_WAY_MS) return true;
  return touchedAt <= reactedBy && throughMs >= AGAIN_MS;
}
