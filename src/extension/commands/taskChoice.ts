/** A task in a list of several: in a workspace of several folders they may all be called `app.js`. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { folderOf } from '../tasks/runs.ts';

export function taskChoice(task: vscode.Task, isRunning = false): vscode.QuickPickItem {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const folder = folders.length > 1 ? folderOf(task)?.name : undefined;
  const parts = [folder, task.detail, isRunning ? t('running') : undefined];
  return { label: task.name, description: parts.filter((part) => part !== undefined && part !== '').join(' · ') };
}
