/** The Restart command: says what it will cut, and asks, before it does. */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { ReloadReport } from '../../protocol/status.ts';
import { UserError } from '../../protocol/userError.ts';
import type { StartServer } from '../commands/startServer.ts';
import { stopServer } from '../commands/stopServer.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import type { Runs } from '../tasks/runs.ts';
import type { TaskEdits } from '../tasks/taskEdits.ts';
import { cutByRestart, takingStart } from './restartText.ts';

export class RestartServer {
  private readonly tasks: TaskEdits;
  private readonly runs: Runs;
  private readonly start: StartServer;
  private readonly servers: Servers;

  constructor(tasks: TaskEdits, runs: Runs, start: StartServer, servers: Servers) {
    this.tasks = tasks;
    this.runs = runs;
    this.start = start;
    this.servers = servers;
  }

  /** @returns undefined when the person took it back, or the server was started anew */
  async run(session: Session): Promise<ReloadReport | undefined> {
    const taking = session.snapshot && takingStart(session.snapshot);
    if (taking !== undefined) {
      await this.startAnew(session, taking);
      return undefined;
    }
    const cut = session.snapshot && cutByRestart(session.snapshot);
    if (cut !== undefined) {
      const restart = t('Restart Server');
      const question = { modal: true, detail: t('This cuts {0}. Groups that reload lose nothing.', cut) };
      const answer = await vscode.window.showWarningMessage(t('Restart {0}?', session.entry.name), question, restart);
      if (answer !== restart) return undefined;
    }
    return this.request(session);
  }

  /** Without a question. A rejected restart tells itself through the snapshot, with its place, unless it never became one. */
  async request(session: Session): Promise<ReloadReport> {
    const options = await this.tasks.optionsOf(session);
    const report = await session.request('restart', options ? { options } : {});
    if (report.result === 'stopped' && report.error) throw new UserError('bootstrap-error', report.error.message);
    return report;
  }

  /** What belongs to the process of the server for life a restart cannot bring in. */
  private async startAnew(session: Session, taking: string): Promise<void> {
    const both = t('Stop and Start');
    const question = {
      modal: true,
      detail: t('{0} needs another process: the server stops, then starts. Nobody is served meanwhile.', taking),
    };
    const answer = await vscode.window.showWarningMessage(t('Restart {0}?', session.entry.name), question, both);
    if (answer !== both) return;
    const task = await this.tasks.taskOf(session);
    if (!task) throw new UserError('no-server', t('The task that started {0} is gone.', session.entry.name));
    const ended = await this.runs.untilEnded(session);
    await stopServer(session, this.runs);
    await Promise.all([ended(), this.servers.untilGone(session)]);
    await this.start.ensure(task);
  }
}
