/** What somebody will wonder about, told once for each group. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { GroupDefinition } from './definitions.ts';
import { nearestManifest } from './launch.ts';
import type { Terminal } from './terminal.ts';

/** What a program keeps in its memory that another worker of its group would need. */
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

export class Hints {
  private readonly terminal: Terminal;
  /** Groups whose program has a `node:cluster` of its own. */
  private readonly clusters = new Set<string>();
  /** Groups with several workers, whose dependencies were looked at: not again for each reload. */
  private readonly shared = new Set<string>();

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  onCluster(group: string): void {
    if (this.clusters.has(group)) return;
    this.clusters.add(group);
    this.terminal.note(
      `${group} starts workers of its own (node:cluster): that works; --workers N does it for any program, and shows each of them`,
    );
  }

  onServes({ name, entry, workers }: GroupDefinition): void {
    if (workers < 2 || this.shared.has(name)) return;
    this.shared.add(name);
    for (const hint of hintsOf(nearestManifest(dirname(entry)) ?? ''))
      this.terminal.note(`${name} runs ${workers} workers, and ${hint} (docs/differences.md)`, 'yellow');
  }
}
