/** What the parts of the bench are asked for, and how they say what they do. */

export interface Options {
  readonly isQuick: boolean;
  readonly saves: number | undefined;
  readonly seconds: number | undefined;
  readonly messages: number | undefined;
  readonly seed: number | undefined;
  /** Ids of the tools to measure; all when undefined. */
  readonly tools: readonly string[] | undefined;
  /** Names of the apps to measure; all when undefined. */
  readonly apps: readonly string[] | undefined;
}

export const isChosen = ({ tools }: Options, { id }: { readonly id: string }): boolean => tools?.includes(id) ?? true;

/** Progress; standard output is for the tables. */
export function tell(text: string): void {
  console.error(`[bench] ${text}`);
}
