/** Reads what workers and builders have written: what the server remembers first and then, where it is followed, what comes. */
import type { ControlMethod, ControlParams, ControlResult } from '../protocol/control.ts';
import { writerOf, type LogEntry } from '../protocol/logs.ts';

export interface LogWish {
  readonly group?: string | undefined;
  readonly slot?: number | undefined;
  /** The command of a builder, or true for all of them. */
  readonly build?: string | true | undefined;
  /** How many of the last lines. */
  readonly lines: number;
  readonly follow: boolean;
}

interface Asked {
  request<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>>;
}

/**
 * In the order in which they came. Nothing more is asked for until what came is dealt with, so one who is slow holds up
 * nobody: what the server has forgotten meanwhile is told as skipped.
 *
 * @throws UserError where there is no such group, slot or builder, and when the server ends
 */
export async function* readLog(
  server: Asked,
  { group, slot, build, lines, follow }: LogWish,
): AsyncGenerator<LogEntry[]> {
  const selection = {
    ...(group === undefined ? {} : { group }),
    ...(slot === undefined ? {} : { slot }),
    ...(build === undefined ? {} : { build }),
  };
  /** By slot and builder: the number of the line that comes next. */
  const expected = new Map<string, number>();
  let page = await server.request('logs', { ...selection, lines });
  for (;;) {
    yield page.blocks.flatMap(({ text, line: first, ...by }): LogEntry[] => {
      const key = writerOf(by);
      const all = text.slice(0, -1).split('\n');
      const skipped = first - (expected.get(key) ?? first);
      expected.set(key, first + all.length);
      const entries = all.map((each, index) => ({ ...by, line: first + index, text: each }));
      return skipped > 0 ? [{ group: by.group, slot: by.slot, build: by.build, skipped }, ...entries] : entries;
    });
    if (!page.more && (!follow || page.over)) return;
    page = await server.request('logs', { ...selection, after: page.next, wait: follow });
  }
}
