/**
 * What the editor said of its saves. The file system often tells of a write before the editor does; since the editor
 * announces it, both are one and the same save, with the same verdict whether a person asked for it.
 */

/** An announced save that is not heard of again within this time was cancelled, or failed. */
const ANNOUNCED_MS = 10_000;

interface EditorSave {
  readonly isManual: boolean;
  /** Of the content that was written; undefined until the editor has told that it is. */
  readonly digest: string | null | undefined;
  readonly until: number;
}

export class EditorSaves {
  private readonly byFile = new Map<string, EditorSave>();

  announced(file: string, isManual: boolean, now: number): void {
    this.byFile.set(file, { isManual, digest: undefined, until: now + ANNOUNCED_MS });
  }

  done(file: string, isManual: boolean, digest: string | null): void {
    this.byFile.set(file, { isManual, digest, until: Infinity });
  }

  /** The editor's save that put this content on the disk; undefined when it came from elsewhere. */
  of(file: string, digest: string | null, now: number): { readonly isManual: boolean } | undefined {
    const save = this.byFile.get(file);
    if (!save || now > save.until) return undefined;
    return save.digest === undefined || save.digest === digest ? save : undefined;
  }
}
