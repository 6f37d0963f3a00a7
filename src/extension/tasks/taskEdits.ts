/**
 * Tells every server that a task has started how that task is defined now. What differs the master flags, as it does with
 * edited files; here nothing is compared.
 */
import * as vscode from 'vscode';
import type { TaskOptions } from '../../protocol/taskStart.ts';
import { messageOf } from '../../protocol/userError.ts';
import { TASK_TYPE } from '../contributions.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import { affectsSetting } from '../wrappers.ts';
import type { DetectedServers } from './detectedServers.ts';
import { startsServer } from './runs.ts';
import { taskOptionsOf } from './taskOptions.ts';

export class TaskEdits implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly log: vscode.LogOutputChannel;
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers, detected: DetectedServers, log: vscode.LogOutputChannel) {
    this.servers = servers;
    this.log = log;
    const tellAll = (): void => {
      for (const session of servers.sessions) void this.tell(session);
    };
    this.subscriptions = [
      servers.onDidConnect((session) => void this.tell(session)),
      detected.onDidChange(tellAll),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const isSaid = (['node', 'exclude', 'autoDetect'] as const).some((name) => affectsSetting(event, name));
        if (isSaid || event.affectsConfiguration('tasks')) tellAll();
      }),
    ];
  }

  /** The task that started the server, as it is now: what a person wrote comes before what was detected. */
  async taskOf(session: Session): Promise<vscode.Task | undefined> {
    const name = session.snapshot?.task ?? null;
    if (name === null) return undefined;
    const tasks = await vscode.tasks.fetchTasks({ type: TASK_TYPE });
    const starts = await Promise.all(tasks.map((task) => startsServer(task, session)));
    const those = tasks.map((task, index) => ({
      task,
      isOwn: task.source !== TASK_TYPE,
      isNamed: task.name === name,
      isStarting: starts[index]!,
    }));
    const found =
      those.find(({ isOwn, isNamed, isStarting }) => isOwn && isNamed && isStarting) ??
      only(those.filter(({ isOwn, isNamed }) => isOwn && isNamed)) ??
      only(those.filter(({ isOwn, isStarting }) => isOwn && isStarting)) ??
      those.find(({ isNamed, isStarting }) => isNamed && isStarting);
    return found?.task;
  }

  async optionsOf(session: Session): Promise<TaskOptions | undefined> {
    const task = await this.taskOf(session);
    return task && taskOptionsOf(task);
  }

  private async tell(session: Session): Promise<void> {
    try {
      const options = await this.optionsOf(session);
      // Where the connection is lost meanwhile, the next one begins with this.
      if (options && session.isConnected) await session.request('taskOptions', options);
    } catch (error) {
      this.log.debug(`[${session.entry.name}] was not told its task: ${messageOf(error)}`);
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** Of several that could be meant none is. */
function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
