/** A task as the master compares it with what it was started with: the words of its command line, with variables resolved. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, sep } from 'node:path';
import * as vscode from 'vscode';
import type { TaskOptions } from '../../protocol/taskStart.ts';
import { TASK_TYPE } from '../contributions.ts';
import { environmentOf, startArguments } from './definition.ts';
import { namedNode, taskCwd, withSettings } from './provider.ts';
import { folderOf } from './runs.ts';
import { settingPlaces } from './settingPlaces.ts';
import { taskLines } from './tasksFile.ts';
import { allWithVariables, withVariables, type LookUp } from './variables.ts';

/** Undefined when it cannot be told what VS Code would make of the task: it hangs on what the person does meanwhile. */
export async function taskOptionsOf(task: vscode.Task): Promise<TaskOptions | undefined> {
  const folder = folderOf(task);
  if (!folder) return undefined;
  const { definition } = task;
  const lookUp = lookUpIn(folder);
  const variables = Object.entries(environmentOf(definition));
  const cwd = withVariables(taskCwd(definition, folder), lookUp);
  const args = allWithVariables(startArguments(withSettings(definition, folder)), lookUp);
  const values = allWithVariables(
    variables.map(([, value]) => value),
    lookUp,
  );
  const named = namedNode(definition, folder);
  const node = named === undefined ? undefined : withVariables(named, lookUp);
  if (cwd === undefined || !args || !values || (named !== undefined && node === undefined)) return undefined;
  const env = Object.fromEntries(variables.map(([name], index) => [name, values[index]!]));
  const elsewhere = await settingPlaces(definition, folder);
  return { ...(await placeOf(task, folder)), elsewhere, cwd, args, env, ...(node === undefined ? {} : { node }) };
}

/** What a detected server is started with comes from its package; all else from a file that a person writes. */
async function placeOf(
  task: vscode.Task,
  folder: vscode.WorkspaceFolder,
): Promise<Pick<TaskOptions, 'file' | 'lines'>> {
  if (task.source === TASK_TYPE) return { file: join(folder.uri.fsPath, 'package.json'), lines: {} };
  const file = join(folder.uri.fsPath, '.vscode', 'tasks.json');
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = taskLines(text, task.name, task.definition);
  // A task of the workspace file; where it stands there, its own text says.
  if (!lines && vscode.workspace.workspaceFile) return { file: vscode.workspace.workspaceFile.fsPath, lines: {} };
  return { file, lines: lines ?? {} };
}

function lookUpIn(folder: vscode.WorkspaceFolder): LookUp {
  return (name, argument) => {
    switch (name) {
      case 'workspaceFolder':
      case 'workspaceRoot':
        return folderNamed(argument, folder)?.uri.fsPath;
      case 'workspaceFolderBasename': {
        const path = folderNamed(argument, folder)?.uri.fsPath;
        return path && basename(path);
      }
      case 'userHome':
        return homedir();
      case 'pathSeparator':
      case '/':
        return sep;
      case 'env':
        return process.env[argument ?? ''] ?? '';
      case 'config': {
        const value: unknown = vscode.workspace.getConfiguration(undefined, folder.uri).get(argument ?? '');
        return typeof value === 'object' || value === undefined ? undefined : String(value);
      }
      default:
        return undefined;
    }
  };
}

function folderNamed(name: string | undefined, folder: vscode.WorkspaceFolder): vscode.WorkspaceFolder | undefined {
  return name === undefined ? folder : vscode.workspace.workspaceFolders?.find((one) => one.name === name);
}
