/** The task executions of this window: which process each one is, which server that is, and where its terminal is. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as vscode from 'vscode';
import { TASK_TYPE } from '../contributions.ts';
import { isAlive } from '../../platform/processes.ts';
import type { Session } from '../session.ts';
import { taskKey, textOf } from './definition.ts';
import { isFolder, taskCwd } from './provider.ts';
import { Reconnection } from './reconnection.ts';

interface Run {
  readonly pid: number;
  /** Looked up while the process lives; an ended one can no longer be found by its pid. */
  readonly terminal: Promise<vscode.Terminal | undefined>;
  /** VS Code found the process again after a window reload. */
  readonly isReconnected: boolean;
}

export interface EndedRun extends Run {
  readonly task: vscode.Task;
  /** Undefined when VS Code ended the task itself. */
  readonly exitCode: number | undefined;
}

export class Runs implements vscode.Disposable {
  private readonly running = new Map<vscode.TaskExecution, Run>();
  private readonly started = new WeakSet<vscode.TaskExecution>();
  /** Of runs that began under this extension host. */
  private readonly fresh = new WeakSet<vscode.Terminal>();
  private readonly began = new vscode.EventEmitter<vscode.Task>();
  readonly onDidStart = this.began.event;
  private readonly ended = new vscode.EventEmitter<EndedRun>();
  readonly onDidEnd = this.ended.event;
  readonly reconnection: Reconnection;
  private readonly subscriptions: vscode.Disposable[];

  /** @param state of this workspace; outlives its window */
  constructor(state: vscode.Memento) {
    this.reconnection = new Reconnection(state);
    this.subscriptions = [
      this.reconnection,
      vscode.tasks.onDidStartTask(({ execution }) => this.started.add(execution)),
      vscode.tasks.onDidStartTaskProcess(({ execution, processId }) => {
        if (!isOurs(execution.task)) return;
        // For a process that has run all the time this event comes first, before that of its task.
        const isReconnected = !this.started.has(execution);
        const terminal = terminalWithPid(processId);
        this.running.set(execution, { pid: processId, terminal, isReconnected });
        if (isReconnected) return;
        void terminal.then((found) => found && this.fresh.add(found));
        this.began.fire(execution.task);
      }),
      vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        const run = this.running.get(execution);
        this.running.delete(execution);
        if (run) this.ended.fire({ ...run, task: execution.task, exitCode });
      }),
    ];
  }

  /** An execution of the same server; VS Code would answer a second start with a question about terminating the first. */
  executionOf(task: vscode.Task): vscode.TaskExecution | undefined {
    return vscode.tasks.taskExecutions.find((execution) => isSameServer(execution.task, task));
  }

  /** The execution that is this server, by process, else by what it was told to start. */
  async executionFor(session: Session): Promise<vscode.TaskExecution | undefined> {
    const executions = vscode.tasks.taskExecutions.filter((execution) => isOurs(execution.task));
    const byPid = executions.find((execution) => this.running.get(execution)?.pid === session.entry.pid);
    if (byPid) return byPid;
    for (const execution of executions) {
      if (await startsServer(execution.task, session)) return execution;
    }
    return undefined;
  }

  /**
   * Asked before the server is stopped.
   *
   * @returns waits until the server's task has ended; at once where no task of this window runs it
   */
  async untilEnded(session: Session): Promise<() => Promise<void>> {
    await this.reconnection.until(session.entry.pid);
    const execution = await this.executionFor(session);
    const ended = execution ? this.untilEnd(execution) : Promise.resolve();
    return () => ended;
  }

  /** At once where its process is not known. */
  async untilEnd(execution: vscode.TaskExecution): Promise<void> {
    const run = this.running.get(execution);
    if (!run) return;
    await new Promise<void>((done) => {
      const subscription = this.onDidEnd(({ pid }) => {
        if (pid !== run.pid) return;
        subscription.dispose();
        done();
      });
    });
  }

  pidOf(execution: vscode.TaskExecution): number | undefined {
    return this.running.get(execution)?.pid;
  }

  async terminalOf(execution: vscode.TaskExecution): Promise<vscode.Terminal | undefined> {
    return this.running.get(execution)?.terminal;
  }

  /** Also finds a server whose CLI was the terminal's own process without being a task of ours. */
  async terminalFor(session: Session): Promise<vscode.Terminal | undefined> {
    const execution = await this.executionFor(session);
    return (execution && (await this.terminalOf(execution))) ?? terminalWithPid(session.entry.pid);
  }

  /** Terminals of earlier runs of the task whose end nobody told: they ran on while the extension host crashed. */
  async abandonedTerminals(task: vscode.Task): Promise<vscode.Terminal[]> {
    const old = vscode.window.terminals.filter(({ name }) => name === task.name);
    const pids = await Promise.all(old.map(({ processId }) => processId));
    return old.filter((terminal, index) => !this.fresh.has(terminal) && !isRunning(pids[index]));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.began.dispose();
    this.ended.dispose();
  }
}

export function isOurs(task: vscode.Task): boolean {
  return task.definition.type === TASK_TYPE;
}

export function isSameServer(a: vscode.Task, b: vscode.Task): boolean {
  return (
    isOurs(a) &&
    isOurs(b) &&
    taskKey(a.definition) === taskKey(b.definition) &&
    folderOf(a)?.uri.toString() === folderOf(b)?.uri.toString()
  );
}

/** Whether starting this task would start that server once more. */
export async function startsServer(task: vscode.Task, session: Session): Promise<boolean> {
  const folder = folderOf(task);
  if (!folder) return false;
  const name = textOf(task.definition['name']);
  if (name !== undefined && name !== session.entry.name) return false;
  const cwd = taskCwd(task.definition, folder);
  const script = textOf(task.definition['script']);
  if (script === undefined) return (await realPath(cwd)) === session.entry.cwd;
  return (await realPath(resolve(cwd, script))) === session.entry.script;
}

export function folderOf(task: vscode.Task): vscode.WorkspaceFolder | undefined {
  return isFolder(task.scope) ? task.scope : vscode.workspace.workspaceFolders?.[0];
}

async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

async function terminalWithPid(pid: number): Promise<vscode.Terminal | undefined> {
  const pids = await Promise.all(vscode.window.terminals.map((terminal) => terminal.processId));
  return vscode.window.terminals[pids.indexOf(pid)];
}

function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && isAlive(pid);
}
