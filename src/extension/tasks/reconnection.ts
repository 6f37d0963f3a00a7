/**
 * The tasks of this window that have run on over its reload. VS Code attaches them seconds after the window is there: its
 * terminals come back, extensions resolve the tasks, then each task gets its terminal. Until then the extension sees
 * neither terminal nor execution (seen in 1.139: for 4 s on a busy machine), so the pids are kept in the workspace's state.
 */
import * as vscode from 'vscode';
import { isAlive } from '../../platform/processes.ts';
import { TASK_TYPE } from '../contributions.ts';

const STATE_KEY = 'taskPids';
/** From the start of the extension on. On a busy machine 16 s were seen. */
const RECONNECTION_MS = 30_000;

export class Reconnection implements vscode.Disposable {
  private readonly awaited: Set<number>;
  private readonly running = new Map<vscode.TaskExecution, number>();
  private readonly state: vscode.Memento;
  private readonly attached = new vscode.EventEmitter<number>();
  private readonly subscriptions: vscode.Disposable[];
  private readonly endsAt = Date.now() + RECONNECTION_MS;

  constructor(state: vscode.Memento) {
    this.state = state;
    this.awaited = new Set(state.get<number[]>(STATE_KEY, []));
    this.subscriptions = [
      vscode.tasks.onDidStartTaskProcess(({ execution, processId }) => {
        if (execution.task.definition.type !== TASK_TYPE) return;
        this.running.set(execution, processId);
        this.awaited.delete(processId);
        this.keep();
        this.attached.fire(processId);
      }),
      vscode.tasks.onDidEndTaskProcess(({ execution }) => {
        if (this.running.delete(execution)) this.keep();
      }),
    ];
  }

  /**
   * Until VS Code has attached the task of this process again; at once where none is to be attached. A server must not be
   * stopped before: VS Code (seen in 1.139) starts the task again when the terminal it wants to attach has ended, and it
   * does so as the task was defined when it was started.
   */
  async until(pid: number): Promise<void> {
    const left = this.endsAt - Date.now();
    if (!this.awaited.has(pid) || left <= 0) return;
    await new Promise<void>((done) => {
      const finish = (): void => {
        clearTimeout(timer);
        subscription.dispose();
        done();
      };
      const timer = setTimeout(finish, left);
      const subscription = this.attached.event((one) => one === pid && finish());
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.attached.dispose();
  }

  private keep(): void {
    // The end of a task is not told when the extension host crashed meanwhile.
    const awaited = [...this.awaited].filter((pid) => isAlive(pid));
    void this.state.update(STATE_KEY, [...awaited, ...this.running.values()]);
  }
}
