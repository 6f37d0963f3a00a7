/** What each part of the bench hands back: a table for people, the figures for machines, the targets it missed. */

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

export interface Report {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly figures: unknown;
  /** Targets, whether met or not. */
  readonly targets: readonly Target[];
}

export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly wanted: number;
  readonly kind: 'at least' | 'at most';
}

export const isMet = ({ measured, wanted, kind }: Target): boolean =>
  kind === 'at least' ? measured >= wanted : measured <= wanted;

/** As Prettier lays it out, so that the README stays formatted. */
export function markdown({ columns, rows }: Pick<Report, 'columns' | 'rows'>): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(3, title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${columns.map(({ align }, index) => pad(cells[index] ?? '', widths[index]!, align)).join(' | ')} |`;
  const rule = columns.map(
    ({ align }, index) => '-'.repeat(widths[index]! - (align === 'right' ? 1 : 0)) + (align === 'right' ? ':' : ''),
  );
  return [line(columns.map(({ title }) => title)), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

const pad = (text: string, width: number, align: Column['align']): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width);

/** The value below which this share of the others lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** 1,234,567 */
export const count = (value: number): string => (Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en-US'));
export const ratio = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(2));
