/**
 * A task written into the text of a tasks.json. What stands there stays as it is to the letter, comments included:
 * jsonc-parser says where things are (its own `modify` would lay out the neighbours anew). Pure.
 */
import { t } from '@vscode/l10n';
import { findNodeAtLocation, getNodeValue, parseTree, stripComments, type Node, type ParseError } from 'jsonc-parser';
import { UserError } from '../../protocol/userError.ts';
import { PROBLEM_MATCHER } from '../contributions.ts';
import { taskKey, textOf, type ServerTaskDefinition } from './definition.ts';

export interface TasksFileEdit {
  readonly text: string;
  /** Where the task stands in it. */
  readonly offset: number;
  readonly length: number;
  /** It stood there before: nothing was changed. */
  readonly isOld: boolean;
}

/**
 * @param text of tasks.json; undefined when there is none
 * @param eol of the file
 * @throws UserError when it is not what VS Code would take for a tasks.json
 */
export function withTask(text: string | undefined, definition: ServerTaskDefinition, eol = '\n'): TasksFileEdit {
  let file = text === undefined || text.trim() === '' ? emptyFile(eol) : text;
  const tasks = tasksOf(rootOf(file))?.children ?? [];
  const old = tasks.find((node) => isSameTask(node, definition));
  if (old) return { text: file, offset: old.offset, length: old.length, isOld: true };
  const { type, ...properties } = definition;
  const task = {
    label: labelFor(definition, tasks),
    type,
    ...properties,
    isBackground: true,
    problemMatcher: PROBLEM_MATCHER,
  };
  if (!tasksOf(rootOf(file))) file = append(file, rootOf(file), ['"tasks": []'], eol);
  const [first, ...rest] = JSON.stringify(task, undefined, indentUnit(file)).split('\n');
  const comments = commentLines().map((comment) => `${indentUnit(file)}// ${comment}`);
  file = append(file, tasksOf(rootOf(file))!, [first!, ...comments, ...rest], eol);
  const { offset, length } = tasksOf(rootOf(file))!.children!.at(-1)!;
  return { text: file, offset, length, isOld: false };
}

/**
 * By property of the task: the line on which it stands, and under the empty name that of the task itself.
 *
 * @returns undefined when the text holds no such task
 */
export function taskLines(
  text: string,
  name: string,
  definition: ServerTaskDefinition,
): Record<string, number> | undefined {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const tasks = (root && tasksOf(root)?.children) ?? [];
  const labelOf = (node: Node): unknown => (getNodeValue(node) as { label?: unknown } | null)?.label;
  const task = tasks.find((node) => labelOf(node) === name) ?? tasks.find((node) => isSameTask(node, definition));
  if (!task) return undefined;
  const lineAt = ({ offset }: Node): number => text.slice(0, offset).split('\n').length;
  const properties = (task.children ?? []).map((node): [string, number] => [
    String(node.children?.[0]?.value),
    lineAt(node),
  ]);
  return { ...Object.fromEntries(properties), '': lineAt(task) };
}

/** The line of a setting in a settings.json or a workspace file; null when it does not stand there. */
export function settingLine(text: string, id: string): number | null {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const found = root && (findNodeAtLocation(root, [id]) ?? findNodeAtLocation(root, ['settings', id]));
  return found?.parent ? text.slice(0, found.parent.offset).split('\n').length : null;
}

function commentLines(): string[] {
  return [
    t('Runs the server as workers, which are replaced one at a time when you save.'),
    t('More properties, which completion lists: "envFile": ".env"; for a plain program "workers": 4'),
    t('Started by "preLaunchTask" of a launch configuration, "dependsOn" of a task'),
  ];
}

function emptyFile(eol: string): string {
  return [
    '{',
    '  // https://go.microsoft.com/fwlink/?LinkId=733558',
    '  "version": "2.0.0",',
    '  "tasks": []',
    '}',
    '',
  ].join(eol);
}

/** Puts an item behind those of an array or object, on lines of its own. */
function append(text: string, container: Node, item: readonly string[], eol: string): string {
  const end = container.offset + container.length - 1;
  const base = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', container.offset) + 1))![0];
  const lines = item.map((line) => `${eol}${base}${indentUnit(text)}${line}`).join('');
  const last = container.children?.at(-1);
  const lastEnd = last ? last.offset + last.length : container.offset + 1;
  // Behind a comment that follows the last item.
  const inner = text.slice(lastEnd, end).trimEnd();
  const comma = last && !stripComments(inner).trim().startsWith(',') ? ',' : '';
  const before = text.slice(0, lastEnd) + comma + inner;
  const gap = text.slice(lastEnd + inner.length, end);
  return `${before}${lines}${gap.includes('\n') ? gap : `${eol}${base}`}${text.slice(end)}`;
}

/** @throws UserError */
function rootOf(text: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const tasks = root && tasksOf(root);
  if (errors.length > 0 || root?.type !== 'object' || (tasks !== undefined && tasks.type !== 'array'))
    throw new UserError('usage', t('tasks.json cannot be read as it is. Mend it first, then add the task.'));
  return root;
}

function tasksOf(root: Node): Node | undefined {
  return findNodeAtLocation(root, ['tasks']);
}

function isSameTask(node: Node, definition: ServerTaskDefinition): boolean {
  const value: unknown = getNodeValue(node);
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== definition.type) return false;
  return taskKey(value as ServerTaskDefinition) === taskKey(definition);
}

/** A label that no other task has: `dependsOn` and `preLaunchTask` name a task by it. */
function labelFor(definition: ServerTaskDefinition, tasks: readonly Node[]): string {
  const taken = new Set(tasks.map((node) => (getNodeValue(node) as { label?: unknown } | null)?.label));
  const what = textOf(definition['name']) ?? textOf(definition['script']) ?? textOf(definition['command']) ?? 'server';
  const label = `Graceful Reload: ${what}`;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? label : `${label} (${n})`;
    if (!taken.has(candidate)) return candidate;
  }
}

function indentUnit(text: string): string {
  return /^(\t| +)\S/m.exec(text)?.[1] ?? '  ';
}
