/**
 * Rows as objects that stay the same while their content changes, since VS Code refreshes a row by its object. `update`
 * says what to refresh: as little as possible, so that nothing flickers and no selection is lost. Pure.
 */
import type { Row } from './row.ts';

export class RowNode {
  row: Row;
  readonly parent: RowNode | undefined;
  children: readonly RowNode[];
  constructor(row: Row, parent: RowNode | undefined) {
    this.row = row;
    this.parent = parent;
    this.children = row.children.map((child) => new RowNode(child, this));
  }
}

/** `'all'`: servers came or went. Otherwise the rows whose own line or list of children changed; none is below another. */
export type Refresh = 'all' | readonly RowNode[];

export class RowTree {
  roots: readonly RowNode[] = [];

  update(rows: readonly Row[]): Refresh {
    const changed: RowNode[] = [];
    const roots = merge(this.roots, rows, undefined, changed);
    const isSame = sameIds(this.roots, rows);
    this.roots = roots;
    return isSame ? changed : 'all';
  }

  find(id: string): RowNode | undefined {
    return findIn(this.roots, id);
  }
}

/** New rows on the nodes that already stand for their ids. */
function merge(
  nodes: readonly RowNode[],
  rows: readonly Row[],
  parent: RowNode | undefined,
  changed: RowNode[],
): readonly RowNode[] {
  const byId = new Map(nodes.map((node) => [node.row.id, node]));
  return rows.map((row) => {
    const node = byId.get(row.id);
    if (!node) return new RowNode(row, parent);
    const below: RowNode[] = [];
    const isSameLine = sameLine(node.row, row) && sameIds(node.children, row.children);
    node.row = row;
    node.children = merge(node.children, row.children, node, below);
    // A refresh of a row takes all rows below it along.
    changed.push(...(isSameLine ? below : [node]));
    return node;
  });
}

function sameIds(nodes: readonly RowNode[], rows: readonly Row[]): boolean {
  return nodes.length === rows.length && nodes.every((node, index) => node.row.id === rows[index]?.id);
}

function sameLine(a: Row, b: Row): boolean {
  return (
    a.label === b.label &&
    a.description === b.description &&
    a.icon.id === b.icon.id &&
    a.icon.color === b.icon.color &&
    a.contextValue === b.contextValue &&
    a.spoken === b.spoken &&
    a.place?.file === b.place?.file &&
    a.place?.line === b.place?.line &&
    a.place?.column === b.place?.column
  );
}

function findIn(nodes: readonly RowNode[], id: string): RowNode | undefined {
  for (const node of nodes) {
    if (node.row.id === id) return node;
    const below = findIn(node.children, id);
    if (below) return below;
  }
  return undefined;
}
