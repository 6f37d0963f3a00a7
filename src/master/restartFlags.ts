/** Files whose edits only a restart picks up, with the way to them, for as long as their content differs from what runs. */
import type { NeedsRestart } from '../protocol/status.ts';
import type { Facts } from './facts.ts';
import type { Flag } from './files.ts';
import { chainTo } from './meaning.ts';
import type { Saves } from './saves.ts';
import type { Terminal } from './terminal.ts';

export class RestartFlags {
  private readonly flagged = new Map<string, NeedsRestart>();
  private readonly facts: Facts;
  private readonly terminal: Terminal;
  private readonly onChange: () => void;

  constructor(facts: Facts, terminal: Terminal, onChange: () => void) {
    this.facts = facts;
    this.terminal = terminal;
    this.onChange = onChange;
  }

  list(): NeedsRestart[] {
    return [...this.flagged.values()];
  }

  /** What runs, or what is on disk, is another one now. */
  update(saves: Saves): void {
    const flags = new Map(saves.flags().map((flag) => [flag.file, flag]));
    for (const file of this.flagged.keys()) if (!flags.has(file)) this.flagged.delete(file);
    for (const flag of flags.values()) {
      if (this.flagged.get(flag.file)?.reason !== flag.reason) this.add(flag, saves.disk.since(flag.file));
    }
    this.onChange();
  }

  private add({ file, reason, groups }: Flag, since: number): void {
    const shown = this.facts.display(file);
    const flag = { file: shown, reason, since: new Date(since).toISOString(), chain: [shown], groups: [...groups] };
    this.flagged.set(file, flag);
    void chainTo(this.facts, file, groups).then((chain) => {
      if (this.flagged.get(file) !== flag) return;
      this.flagged.set(file, { ...flag, chain });
      this.terminal.needsRestart(shown, chain);
      this.onChange();
    });
  }
}
