/** Where a setting stands from which a task takes what it does not say itself. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { TaskOptions } from '../../protocol/taskStart.ts';
import { SETTINGS_SECTION } from '../contributions.ts';
import type { ServerTaskDefinition } from './definition.ts';
import { settingLine } from './tasksFile.ts';

/** By the name of the task's property, which is that of the setting too. */
export async function settingPlaces(
  definition: ServerTaskDefinition,
  folder: vscode.WorkspaceFolder,
): Promise<NonNullable<TaskOptions['elsewhere']>> {
  const names = ['exclude', 'node'].filter((name) => definition[name] === undefined);
  const places = await Promise.all(names.map(async (name) => [name, await placeOf(name, folder)] as const));
  return Object.fromEntries(places.flatMap(([name, place]) => (place ? [[name, place]] : [])));
}

/** Undefined for a person's own settings: on a remote machine they are no file here. */
async function placeOf(
  name: string,
  folder: vscode.WorkspaceFolder,
): Promise<{ file: string; line: number | null } | undefined> {
  const said = vscode.workspace.getConfiguration(SETTINGS_SECTION, folder.uri).inspect(name);
  const ofFolder = join(folder.uri.fsPath, '.vscode', 'settings.json');
  const ofWorkspace = vscode.workspace.workspaceFile?.fsPath ?? ofFolder;
  const isGone = said?.globalValue === undefined && said?.workspaceValue === undefined && existsSync(ofFolder);
  const file =
    said?.workspaceFolderValue !== undefined || isGone
      ? ofFolder
      : said?.workspaceValue !== undefined
        ? ofWorkspace
        : undefined;
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch(() => '');
  return { file, line: settingLine(text, `${SETTINGS_SECTION}.${name}`) };
}
