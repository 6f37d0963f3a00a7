/** Files whose edits only a restart picks up, with the way to them, for as long as their content differs from what runs. */
import { readFileSync } from 'node:fs';
import type { LineRange, NeedsRestart } from '../protocol/status.ts';
import { changedLines } from './changedLines.ts';
import type { Facts } from './facts.ts';
import type { Flag } from './files.ts';
import { chainTo } from './meaning.ts';
import type { Saves } from './saves.ts';
import type { Terminal } from './terminal.ts';

interface Flagged {
  shown: NeedsRestart;
  /** What the file was compared with. */
  readonly running: string | undefined;
}

export class RestartFlags {
  private readonly flagged = new Map<string, Flagged>();
  private readonly facts: Facts;
  private readonly terminal: Terminal;
  private readonly onChange: () => void;

  constructor(facts: Facts, terminal: Terminal, onChange: () => void) {
    this.facts = facts;
    this.terminal = terminal;
    this.onChange = onChange;
  }

  list(): NeedsRestart[] {
    return [...this.flagged.values()].map(({ shown }) => shown);
  }

  /** What runs, or what is on disk, is another one now. The work grows with the files that differ, not with the graph. */
  update(saves: Saves): void {
    const flags = new Map(saves.flags().map((flag) => [flag.file, flag]));
    for (const file of this.flagged.keys()) if (!flags.has(file)) this.flagged.delete(file);
    for (const flag of flags.values()) this.set(flag, saves.disk.digest(flag.file) ?? null, saves);
    this.onChange();
  }

  private set(flag: Flag, digest: string | null, saves: Saves): void {
    const { file, reason, groups } = flag;
    const running = this.facts.runningText(file);
    const known = this.flagged.get(file);
    const isSameReason = known?.shown.reason === reason;
    if (known && isSameReason && known.shown.digest === digest && known.running === running) return;
    const name = this.facts.display(file);
    const shown: NeedsRestart = {
      file: name,
      reason,
      since: isSameReason ? known.shown.since : new Date(saves.disk.since(file)).toISOString(),
      chain: isSameReason ? known.shown.chain : [name],
      groups: [...groups],
      digest,
      changed: running === undefined ? null : changedRanges(file, running),
    };
    const flagged: Flagged = { shown, running };
    this.flagged.set(file, flagged);
    void chainTo(this.facts, file, groups).then((chain) => {
      if (this.flagged.get(file) !== flagged) return;
      flagged.shown = { ...flagged.shown, chain };
      if (!isSameReason) this.terminal.needsRestart(name, chain);
      this.onChange();
    });
  }
}

function changedRanges(file: string, running: string): LineRange[] {
  try {
    return changedLines(running, readFileSync(file, 'utf8'));
  } catch {
    // Deleted: there is no line left to point at.
    return [];
  }
}
