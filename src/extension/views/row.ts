/** A line of the tree as plain data. `views/tree.ts` turns it into a TreeItem; nothing here knows VS Code. */

export type RowKind =
  | 'server'
  | 'error'
  | 'group'
  | 'worker'
  | 'build'
  | 'needsRestart'
  | 'changedFile'
  | 'held'
  | 'heldFile'
  | 'flapping'
  | 'reloads'
  | 'reload'
  | 'fact';

/** A codicon and, where the state has one, a theme colour. State never stands in the colour alone. */
export interface RowIcon {
  readonly id: string;
  readonly color?: string;
}

/** Where a click leads: a place in a file, relative to the server's start folder. */
export interface RowPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a command that is called on a row acts on. */
export interface RowTarget {
  readonly server: string;
  readonly group?: string;
  readonly slot?: number;
  /** The command of a builder. */
  readonly build?: string;
  /** An edited file, as the snapshot names it. */
  readonly file?: string;
  /** An address to open. */
  readonly url?: string;
}

export interface Row {
  /** Stays the same for the same thing, however its text changes: selection and expansion hang on it. */
  readonly id: string;
  readonly kind: RowKind;
  readonly label: string;
  readonly description: string;
  readonly icon: RowIcon;
  /** Space-separated tags, for `when` clauses such as `viewItem =~ /\breloadable\b/`. */
  readonly contextValue: string;
  /** What a screen reader says. */
  readonly spoken: string;
  /** How it first appears. A row that may ever have children is never `none`: VS Code would not open it later on. */
  readonly fold: 'none' | 'closed' | 'open';
  readonly children: readonly Row[];
  readonly target: RowTarget;
  readonly place?: RowPlace;
}

export const icons = {
  ready: { id: 'circle-filled', color: 'testing.iconPassed' },
  starting: { id: 'loading~spin', color: 'charts.yellow' },
  reloading: { id: 'sync~spin', color: 'charts.yellow' },
  draining: { id: 'color-mode', color: 'charts.yellow' },
  failed: { id: 'error', color: 'testing.iconFailed' },
  attention: { id: 'warning', color: 'list.warningForeground' },
  stopped: { id: 'circle-outline', color: 'disabledForeground' },
  done: { id: 'pass', color: 'testing.iconPassed' },
  superseded: { id: 'circle-slash', color: 'disabledForeground' },
  server: { id: 'server-process', color: 'testing.iconPassed' },
  paused: { id: 'debug-pause', color: 'charts.yellow' },
  held: { id: 'watch' },
  group: { id: 'layers' },
  build: { id: 'tools' },
  fixedGroup: { id: 'lock' },
  file: { id: 'file' },
  history: { id: 'history' },
  fact: { id: 'blank' },
} as const satisfies Record<string, RowIcon>;
