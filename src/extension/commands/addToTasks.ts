/** "Add to tasks.json": a server that was found, or that runs, as a task that a team can keep and refine. */
import { relative } from 'node:path';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { isWithin } from '../../platform/within.ts';
import { UserError } from '../../protocol/userError.ts';
import { TASK_TYPE } from '../contributions.ts';
import type { Session } from '../session.ts';
import type { ServerTaskDefinition } from '../tasks/definition.ts';
import { folderOf, type Runs } from '../tasks/runs.ts';
import { withTask } from '../tasks/tasksFile.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import { pick } from './targets.ts';
import { taskChoice } from './taskChoice.ts';

interface TaskInFolder {
  readonly definition: ServerTaskDefinition;
  readonly folder: vscode.WorkspaceFolder;
}

export class AddToTasks {
  private readonly runs: Runs;
  private readonly folders: WorkspaceFolders;

  constructor(runs: Runs, folders: WorkspaceFolders) {
    this.runs = runs;
    this.folders = folders;
  }

  /** @param session the server whose task is added; undefined = one of those that were found */
  async run(session: Session | undefined): Promise<void> {
    const task = session ? await this.taskOf(session) : await this.chooseTask();
    if (task) await write(task);
  }

  private async taskOf(session: Session): Promise<TaskInFolder> {
    const execution = await this.runs.executionFor(session);
    const folder = execution ? folderOf(execution.task) : this.folderHolding(session.entry.cwd);
    if (!folder)
      throw new UserError(
        'usage',
        t('{0} runs in {1}, which is no folder of this workspace.', session.entry.name, session.entry.cwd),
      );
    if (execution) return { definition: execution.task.definition, folder };
    const { cwd, script } = session.entry;
    const definition: ServerTaskDefinition = { type: TASK_TYPE, script: slashes(relative(cwd, script)) };
    const real = this.realOf(folder);
    return { definition: cwd === real ? definition : { ...definition, cwd: slashes(relative(real, cwd)) }, folder };
  }

  private folderHolding(cwd: string): vscode.WorkspaceFolder | undefined {
    return vscode.workspace.workspaceFolders?.find((folder) => isWithin(cwd, this.realOf(folder)));
  }

  private realOf(folder: vscode.WorkspaceFolder): string {
    const path = folder.uri.fsPath;
    return this.folders.current.find((known) => known.path === path)?.real ?? path;
  }

  private async chooseTask(): Promise<TaskInFolder | undefined> {
    const tasks = await vscode.tasks.fetchTasks({ type: TASK_TYPE });
    const found = tasks.filter((task) => task.source === TASK_TYPE);
    if (found.length === 0)
      throw new UserError(
        'no-server',
        tasks.length > 0
          ? t('Every server that was found stands in tasks.json already.')
          : t('No server was found here. Start one with "Graceful Reload: Start Server", then add it.'),
      );
    const task = await pick(found, t('Which server?'), (one) => taskChoice(one));
    const folder = task && folderOf(task);
    return folder && { definition: task.definition, folder };
  }
}

async function write({ definition, folder }: TaskInFolder): Promise<void> {
  const uri = vscode.Uri.joinPath(folder.uri, '.vscode', 'tasks.json');
  const isThere = await vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
  if (!isThere) await vscode.workspace.fs.writeFile(uri, Buffer.from(withTask(undefined, definition).text));
  const document = await vscode.workspace.openTextDocument(uri);
  const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
  const added = withTask(document.getText(), definition, eol);
  if (!added.isOld) {
    const wasDirty = document.isDirty;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(uri, new vscode.Range(0, 0, document.lineCount, 0), added.text);
    await vscode.workspace.applyEdit(edit);
    // What the person has not saved yet is theirs to save.
    if (!wasDirty) await document.save();
  }
  const selection = new vscode.Range(
    document.positionAt(added.offset),
    document.positionAt(added.offset + added.length),
  );
  await vscode.window.showTextDocument(document, { selection });
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/');
}
