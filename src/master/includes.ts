/** Files that `include` means: they count for a process with the content they had when it started. */
import type { GroupDefinition } from './definitions.ts';
import type { Disk, ProcessFiles } from './files.ts';
import { filesOf, globFor } from './globs.ts';

export class Includes {
  private readonly disk: Disk;
  private readonly found = new Set<string>();
  private readonly walked = new WeakSet<GroupDefinition>();

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /**
   * The process is about to run its entry. An older content than it will find costs a reload at worst, so what is known of
   * the files is good enough.
   */
  countFor(files: ProcessFiles, group: GroupDefinition): void {
    if (group.include.length === 0) return;
    if (!this.walked.has(group)) for (const file of filesOf(group.include)) this.found.add(file);
    this.walked.add(group);
    // Those that came to be since have been looked at.
    for (const file of new Set([...this.found, ...this.disk.known()])) {
      if (!globFor(group.include, file)) continue;
      const digest = this.disk.digest(file) ?? this.disk.lookNow(file);
      if (digest !== null) files.count(file, digest, 'include');
    }
  }
}
