/** Files whose edits only a restart picks up, with the way to them, for as long as their content differs from what runs. */
import { readFileSync } from 'node:fs';
import { restartFlag, type GroupFiles, type RestartFlag } from '../core/changeScope.ts';
import type { LineRange, NeedsRestart } from '../protocol/status.ts';
import { changedLines } from './changedLines.ts';
import { chainTo } from './explain.ts';
import type { Facts } from './facts.ts';
import type { Disk } from './files.ts';
import { bootstrapSet, groupFiles, isEnvFile } from './meaning.ts';
import type { Terminal } from './terminal.ts';

interface Flagged {
  readonly shown: NeedsRestart;
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

  /**
   * What is on disk is known anew of these files; null: what runs is another now. The work grows with the files that were
   * edited, not with those that run.
   */
  update(disk: Disk, files: ReadonlySet<string> | null): void {
    const groups = groupFiles(this.facts);
    for (const file of files ?? new Set([...this.flagged.keys(), ...disk.edited()])) this.look(file, disk, groups);
    this.onChange();
  }

  private look(file: string, disk: Disk, groups: readonly GroupFiles[]): void {
    const digest = disk.digest(file);
    const flag =
      digest === undefined
        ? undefined
        : restartFlag(file, digest, groups, bootstrapSet(this.facts), (one) => isEnvFile(this.facts, one));
    if (flag) this.set(file, flag, disk);
    else this.flagged.delete(file);
  }

  private set(file: string, { reason, groups }: RestartFlag, disk: Disk): void {
    const digest = disk.digest(file) ?? null;
    const running = this.facts.runningText(file);
    const known = this.flagged.get(file);
    const isSameReason = known?.shown.reason === reason;
    if (known && isSameReason && known.shown.digest === digest && known.running === running) return;
    const name = this.facts.display(file);
    const chain = chainTo(this.facts, file, groups);
    const shown: NeedsRestart = {
      file: name,
      reason,
      since: isSameReason ? known.shown.since : new Date(disk.since(file)).toISOString(),
      chain,
      groups: [...groups],
      digest,
      changed: running === undefined ? null : changedRanges(file, running),
      options: [],
    };
    this.flagged.set(file, { shown, running });
    if (!isSameReason) this.terminal.needsRestart(name, chain);
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
