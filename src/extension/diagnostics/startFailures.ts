/**
 * Starts that failed, until they have another try. The error of a start would be lost with its task: VS Code clears the
 * problems of a background task's matcher when the task ends, so the command line tells them in a file.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { TASK_TYPE } from '../contributions.ts';
import { editorPath, globOf } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { ServerTaskProvider } from '../tasks/provider.ts';
import { folderOf, isSameServer, type EndedRun, type Runs } from '../tasks/runs.ts';
import { readStartReport } from '../tasks/startReports.ts';
import type { StartReport } from '../../protocol/startReport.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';
import type { Problem } from './problems.ts';
import { startProblem, type WrittenTask } from './startProblem.ts';

export interface FailedStart extends EndedRun {
  readonly exitCode: number;
  readonly report: StartReport | undefined;
  readonly problem: Problem | undefined;
}

interface Shown {
  readonly run: EndedRun;
  readonly report: StartReport;
  readonly problem: Problem;
  readonly watcher: vscode.Disposable;
}

export class StartFailures implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly folders: WorkspaceFolders;
  private readonly provider: ServerTaskProvider;
  private shown: Shown[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  /** Problems came or went. */
  readonly onDidChange = this.changed.event;
  private readonly failed = new vscode.EventEmitter<FailedStart>();
  readonly onDidFail = this.failed.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers, folders: WorkspaceFolders, provider: ServerTaskProvider, runs: Runs) {
    this.servers = servers;
    this.folders = folders;
    this.provider = provider;
    this.subscriptions = [
      runs.onDidStart((task) => this.drop(({ run }) => isSameServer(run.task, task))),
      runs.onDidEnd((run) => void this.onEnd(run)),
      servers.onDidChangeSnapshot(() => this.dropServing()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.drop((one) => this.pathOf(one) === document.uri.fsPath);
      }),
    ];
  }

  get list(): readonly { readonly cwd: string; readonly problems: readonly Problem[] }[] {
    return this.shown.map(({ report, problem }) => ({ cwd: report.cwd, problems: [problem] }));
  }

  private async onEnd(run: EndedRun): Promise<void> {
    const path = this.provider.startReportOf(run.task);
    const report = path === undefined ? undefined : await readStartReport(path);
    // 130 is a second Ctrl+C; undefined is VS Code's own doing.
    if (run.exitCode === undefined || run.exitCode === 0 || run.exitCode === 130) return;
    const exists = (file: string): boolean => existsSync(resolve(report?.cwd ?? '', file));
    const problem = report && startProblem(report, await writtenTask(run.task), exists);
    if (report && problem) this.show(run, report, problem);
    this.failed.fire({ ...run, exitCode: run.exitCode, report, problem });
  }

  private show(run: EndedRun, report: StartReport, problem: Problem): void {
    const path = editorPath(problem.place.file, report.cwd, this.folders.current);
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.file(dirname(path)), globOf(basename(path))),
    );
    const failure: Shown = { run, report, problem, watcher };
    const drop = (): void => this.drop((one) => one === failure);
    watcher.onDidChange(drop);
    watcher.onDidCreate(drop);
    this.drop((one) => isSameServer(one.run.task, run.task));
    this.shown = [...this.shown, failure];
    this.changed.fire();
  }

  /** Someone else may have started it: then what kept it from starting is over. */
  private dropServing(): void {
    if (this.shown.length === 0) return;
    const serving = this.servers.sessions.filter(({ snapshot }) => (snapshot?.generation ?? 0) > 0);
    this.drop(({ run, report }) =>
      serving.some(
        ({ entry }) =>
          entry.pid !== run.pid && (report.script === null ? entry.cwd === report.cwd : entry.script === report.script),
      ),
    );
  }

  private drop(isOver: (failure: Shown) => boolean): void {
    const over = this.shown.filter(isOver);
    if (over.length === 0) return;
    for (const { watcher } of over) watcher.dispose();
    this.shown = this.shown.filter((one) => !over.includes(one));
    this.changed.fire();
  }

  private pathOf({ report, problem }: Shown): string {
    return editorPath(problem.place.file, report.cwd, this.folders.current);
  }

  dispose(): void {
    this.drop(() => true);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
    this.failed.dispose();
  }
}

/** Undefined for a task that nobody wrote: it was detected. */
async function writtenTask(task: vscode.Task): Promise<WrittenTask | undefined> {
  const folder = folderOf(task);
  if (task.source === TASK_TYPE || !folder) return undefined;
  const file = join(folder.uri.fsPath, '.vscode', 'tasks.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { file, text, definition: task.definition };
}
