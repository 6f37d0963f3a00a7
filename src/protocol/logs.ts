/** What workers and builders have written, as it goes over the control wire. */
import * as z from 'zod';

/** Whole lines that came together. */
export const logBlockSchema = z.object({
  group: z.string(),
  slot: z.number(),
  /** The command of the builder that has written them; its group is `build`, its slot 0, which no worker has. */
  build: z.string().optional(),
  generation: z.number(),
  pid: z.number().nullable(),
  stream: z.enum(['stdout', 'stderr']),
  /** When they came. */
  time: z.string(),
  /** Number of the first among all lines that the slot's workers, or the builder, have written; a gap tells that some are forgotten. */
  line: z.number(),
  /** Each with its end. */
  text: z.string(),
});
export type LogBlock = z.infer<typeof logBlockSchema>;

export const logPageSchema = z.object({
  blocks: z.array(logBlockSchema),
  /** What to ask for as `after` to get what follows. */
  next: z.number(),
  /** More is there already. */
  more: z.boolean(),
  /** The server is about to end: nothing comes any more. */
  over: z.boolean(),
});

/** The same with one line as its text, without its end. */
export type LogLine = LogBlock;
/** So many lines of a slot came too fast for the one who reads. */
export interface SkippedLines {
  readonly group: string;
  readonly slot: number;
  readonly build?: string | undefined;
  readonly skipped: number;
}
export type LogEntry = LogLine | SkippedLines;

export const BUILD_PLACE = { group: 'build', slot: 0 } as const;

/** Whose lines they are, over all generations. */
export function writerOf({ group, slot, build }: Pick<LogBlock, 'group' | 'slot' | 'build'>): string {
  return build === undefined ? `${group}#${slot}` : `build ${build}`;
}
