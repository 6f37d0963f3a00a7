/** What a program keeps in its memory that another worker of its group would need; told once, before somebody wonders. */
import { readFileSync } from 'node:fs';

const KEPT: Readonly<Record<string, string>> = {
  'socket.io':
    'clients of socket.io that poll have to come back to the same worker: let them use WebSocket alone, or run one worker',
  'express-session':
    'express-session keeps sessions in the memory of each worker unless it is given a store: give it one, or run one worker',
};

/**
 * @param manifest path of the `package.json` of the program
 * @returns one text for each of its dependencies that keeps what several workers would have to share
 */
export function hintsOf(manifest: string): string[] {
  try {
    const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: object };
    return Object.keys(dependencies ?? {}).flatMap((name) => KEPT[name] ?? []);
  } catch {
    // None, or an unreadable one, which is told elsewhere.
    return [];
  }
}
