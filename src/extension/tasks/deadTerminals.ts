/**
 * After a window reload VS Code attaches a task that still runs to the terminal it had. Once such a task has ended, VS
 * Code (seen in 1.139) takes its dead terminal for the next run of the task as well: nothing is started, and the task
 * counts as running for ever. Without that terminal the next run is a fresh one.
 */
import type * as vscode from 'vscode';
import { isSameServer, type EndedRun, type Runs } from './runs.ts';

export class DeadTerminals implements vscode.Disposable {
  private readonly runs: Runs;
  private readonly subscription: vscode.Disposable;
  private dead: EndedRun[] = [];

  constructor(runs: Runs) {
    this.runs = runs;
    this.subscription = runs.onDidEnd((run) => {
      if (!run.isReconnected) return;
      // What ended with an error leaves its reason in the terminal: that one stays until the next start.
      if (run.exitCode === 0) void close(run);
      else this.dead.push(run);
    });
  }

  /** Before a task is started. */
  async closeFor(task: vscode.Task): Promise<void> {
    const of = this.dead.filter((run) => isSameServer(run.task, task));
    this.dead = this.dead.filter((run) => !of.includes(run));
    await Promise.all(of.map(close));
    for (const terminal of await this.runs.abandonedTerminals(task)) terminal.dispose();
  }

  dispose(): void {
    this.subscription.dispose();
  }
}

async function close(run: EndedRun): Promise<void> {
  (await run.terminal)?.dispose();
}
