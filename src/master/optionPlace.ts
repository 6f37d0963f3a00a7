/** Where a bootstrap script says what is wrong with its options. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { wholeFile, type ErrorPlace } from '../protocol/userError.ts';

/** The place of the option that the first issue is about. */
export function issuePlace(script: string, error: z.ZodError): ErrorPlace {
  const [issue] = error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  return optionPlace(script, [...(issue?.path ?? []).map(String), ...unknown]);
}

/**
 * The keys of the path one after the other, as they stand in the text. The script may make its options in any way, so this
 * finds the innermost one that is spelled out, and the first line when none is.
 */
export function optionPlace(script: string, path: readonly string[]): ErrorPlace {
  let text = '';
  try {
    text = readFileSync(script, 'utf8');
  } catch {
    // Gone meanwhile.
  }
  let at: number | undefined;
  for (const key of path) {
    const named = new RegExp(`(?<![\\w$.])(["']?)${key.replace(/[^\w]/g, '\\$&')}\\1\\s*[:,}]`, 'g');
    named.lastIndex = at === undefined ? 0 : at + 1;
    const found = named.exec(text);
    if (!found) break;
    at = found.index;
  }
  if (at === undefined) return wholeFile(script);
  const lines = text.slice(0, at).split('\n');
  return { file: script, line: lines.length, column: lines.at(-1)!.length + 1 };
}
