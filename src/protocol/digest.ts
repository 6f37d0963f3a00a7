import { createHash } from 'node:crypto';

/** Names a file's content: equal digests mean that nothing needs to be loaded again. */
export function digestOf(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('base64url');
}

/** Stands in the place of a digest where a process looked for a file and there was none. */
export const ABSENT = 'absent';
