/** Tasks of type `graceful-reload`: one per detected server, and those of tasks.json as the commands they stand for. */
import { isAbsolute, resolve } from 'node:path';
import * as vscode from 'vscode';
import { START_REPORT_VARIABLE } from '../../protocol/startReport.ts';
import {
  TASK_ENV_VARIABLE,
  TASK_SPARES_VARIABLE,
  TASK_NODE_VARIABLE,
  TASK_VARIABLE,
} from '../../protocol/taskStart.ts';
import { PROBLEM_MATCHER, TASK_TYPE } from '../contributions.ts';
import { setting } from '../wrappers.ts';
import {
  describeTask,
  detectedTask,
  environmentOf,
  startArguments,
  textOf,
  type ServerTaskDefinition,
} from './definition.ts';
import { startReportPath } from './startReports.ts';
import type { DetectedServers } from './detectedServers.ts';
import { nodeOnPath } from './nodePath.ts';

export class ServerTaskProvider implements vscode.TaskProvider {
  private readonly cli: string;
  private readonly storage: string;
  private readonly detected: DetectedServers;

  /** @param storage a folder of our own, which need not exist yet */
  constructor(extensionPath: string, storage: string, detected: DetectedServers) {
    this.cli = resolve(extensionPath, 'dist', 'cli.js');
    this.storage = storage;
    this.detected = detected;
  }

  provideTasks(): vscode.Task[] {
    return this.detected
      .list()
      .filter(({ folder }) => setting('autoDetect', folder.uri) === 'on')
      .map(({ folder, server }) => {
        const name = server.folder === '.' ? server.entry : `${server.folder}/${server.entry}`;
        return this.build(detectedTask(TASK_TYPE, server), folder, name, []);
      });
  }

  /** Also the way by which VS Code finds back to a running task after a window reload, from its definition alone. */
  resolveTask(task: vscode.Task): vscode.Task | undefined {
    const scope = isFolder(task.scope) ? task.scope : vscode.workspace.workspaceFolders?.[0];
    if (!scope) return undefined;
    return this.build(task.definition, scope, task.name, task.problemMatchers);
  }

  /** Where a run of this task tells why it could not start. */
  startReportOf(task: vscode.Task): string | undefined {
    const folder = isFolder(task.scope) ? task.scope : vscode.workspace.workspaceFolders?.[0];
    return folder && this.reportPath(task.definition, folder);
  }

  private reportPath(definition: ServerTaskDefinition, folder: vscode.WorkspaceFolder): string {
    return startReportPath(this.storage, folder.uri.toString(), definition);
  }

  private build(
    definition: ServerTaskDefinition,
    folder: vscode.WorkspaceFolder,
    name: string,
    matchers: readonly string[],
  ): vscode.Task {
    const execution = new vscode.ProcessExecution(
      nodeFor(definition, folder),
      // Before `--`, Node takes each --env-file of its command line for its own, and ends where the file is missing.
      ['--', this.cli, ...startArguments(withSettings(definition, folder))],
      {
        cwd: taskCwd(definition, folder),
        env: {
          ...environmentOf(definition),
          [START_REPORT_VARIABLE]: this.reportPath(definition, folder),
          [TASK_VARIABLE]: name,
          [TASK_NODE_VARIABLE]: namedNode(definition, folder) ?? '',
          [TASK_SPARES_VARIABLE]: String(setting('spares', folder.uri) ?? ''),
          [TASK_ENV_VARIABLE]: Object.keys(environmentOf(definition)).join(','),
        },
      },
    );
    const chosen = matchers.length > 0 ? [...matchers] : [PROBLEM_MATCHER];
    const task = new vscode.Task(definition, folder, name, TASK_TYPE, execution, chosen);
    task.isBackground = true;
    task.detail = describeTask(definition);
    // A terminal of its own keeps the history of one server together; nobody asked for the focus.
    task.presentationOptions = {
      reveal: vscode.TaskRevealKind.Always,
      panel: vscode.TaskPanelKind.Dedicated,
      focus: false,
      clear: false,
      showReuseMessage: false,
    };
    return task;
  }
}

export function taskCwd(definition: ServerTaskDefinition, folder: vscode.WorkspaceFolder): string {
  const cwd = textOf(definition['cwd']) ?? '.';
  // VS Code replaces `${workspaceFolder}` and its kind later, when the task starts.
  return isAbsolute(cwd) || cwd.startsWith('${') ? cwd : resolve(folder.uri.fsPath, cwd);
}

/** A bare `node` is what remains when the PATH has none: the terminal then says so. */
export function nodeFor(definition: ServerTaskDefinition, folder: vscode.WorkspaceFolder): string {
  return namedNode(definition, folder) ?? nodeOnPath() ?? 'node';
}

/** With what a setting says and the task does not. */
export function withSettings(definition: ServerTaskDefinition, folder: vscode.WorkspaceFolder): ServerTaskDefinition {
  const exclude = setting('exclude', folder.uri);
  return exclude.length === 0 || definition['exclude'] !== undefined ? definition : { ...definition, exclude };
}

/** The Node that the task or else the setting names. */
export function namedNode(definition: ServerTaskDefinition, folder: vscode.WorkspaceFolder): string | undefined {
  return textOf(definition['node']) ?? textOf(setting('node', folder.uri));
}

export function isFolder(scope: vscode.Task['scope']): scope is vscode.WorkspaceFolder {
  return typeof scope === 'object' && 'uri' in scope;
}
