/** What the parts of the bench are asked for, and how they say what they do. */

export interface Options {
  readonly isQuick: boolean;
  readonly saves: number | undefined;
}

/** Progress; standard output is for the tables. */
export function tell(text: string): void {
  console.error(`[bench] ${text}`);
}
