/** The Start command: finds the task to run, and reveals a server that runs already instead of asking about it. */
import { t } from '@vscode/l10n';
import { basename, relative } from 'node:path';
import * as vscode from 'vscode';
import { TASK_TYPE } from '../contributions.ts';
import { UserError } from '../../protocol/userError.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import type { DeadTerminals } from '../tasks/deadTerminals.ts';
import type { ServerTaskDefinition } from '../tasks/definition.ts';
import type { ServerTaskProvider } from '../tasks/provider.ts';
import { startsServer, type Runs } from '../tasks/runs.ts';
import type { ServersView } from '../views/serversView.ts';
import { pick } from './targets.ts';
import { taskChoice } from './taskChoice.ts';

/** How long the view shows progress for a start; a slow one goes on without it. */
const SHOWN_START_MS = 60_000;

export class StartServer {
  private readonly servers: Servers;
  private readonly runs: Runs;
  private readonly view: ServersView;
  private readonly provider: ServerTaskProvider;
  private readonly deadTerminals: DeadTerminals;

  constructor(
    servers: Servers,
    runs: Runs,
    view: ServersView,
    provider: ServerTaskProvider,
    deadTerminals: DeadTerminals,
  ) {
    this.servers = servers;
    this.runs = runs;
    this.view = view;
    this.provider = provider;
    this.deadTerminals = deadTerminals;
  }

  async run(): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    }
    const task = await this.chooseTask();
    if (!task) return;
    const running = await this.runningOf(task);
    if (running) return this.reveal(running);
    await this.runTask(task);
  }

  /** The server of that task, started where it does not run; undefined when it does not come up. */
  async ensure(task: vscode.Task): Promise<Session | undefined> {
    const running = await this.runningOf(task);
    if (running) return running;
    await this.runTask(task);
    return this.sessionOf(task);
  }

  /** One that is stopping is waited for. */
  private async runningOf(task: vscode.Task): Promise<Session | undefined> {
    // The registry is asked anew: a server that another window started a moment ago counts.
    await this.servers.scan();
    const session = await this.sessionOf(task);
    if (session?.snapshot?.state !== 'stopping') return session;
    await this.reveal(session);
    await this.servers.untilGone(session);
    return this.sessionOf(task);
  }

  private async runTask(task: vscode.Task): Promise<void> {
    const execution = this.runs.executionOf(task);
    if (execution) {
      const pid = this.runs.pidOf(execution);
      if (pid === undefined || !this.servers.hasLeft(pid)) {
        (await this.runs.terminalOf(execution))?.show(true);
        return;
      }
      // The view has said that no server is running a moment before its process ends.
      await this.runs.untilEnd(execution);
    }
    await this.deadTerminals.closeFor(task);
    await vscode.tasks.executeTask(task);
    await this.untilStarted(task);
  }

  /** The terminal of a server, if it is one of this window, and its row. */
  async reveal(session: Session): Promise<void> {
    (await this.runs.terminalFor(session))?.show(true);
    await this.view.reveal(session.id);
  }

  /** What the person wrote into tasks.json wins over what was detected. */
  private async chooseTask(): Promise<vscode.Task | undefined> {
    const tasks = await vscode.tasks.fetchTasks({ type: TASK_TYPE });
    const own = tasks.filter((task) => task.source !== TASK_TYPE);
    const candidates = own.length > 0 ? own : tasks;
    if (candidates.length === 0) return this.chooseFile();
    const running = await Promise.all(candidates.map((task) => this.sessionOf(task)));
    return pick(candidates, t('Which server?'), (task) =>
      taskChoice(task, running[candidates.indexOf(task)] !== undefined),
    );
  }

  private async chooseFile(): Promise<vscode.Task | undefined> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (folders.length === 0) throw new UserError('no-server', t('Open a folder first: a server is started in one.'));
    const open = vscode.window.activeTextEditor?.document.uri;
    const isProgram =
      open?.scheme === 'file' && /\.[cm]?[jt]s$/.test(open.path) && vscode.workspace.getWorkspaceFolder(open);
    const other = { label: t('$(folder-opened) Choose a file…'), uri: undefined };
    const choices = open && isProgram ? [{ label: `$(file) ${basename(open.path)}`, uri: open }, other] : [other];
    const choice =
      choices.length === 1
        ? other
        : await vscode.window.showQuickPick(choices, { placeHolder: t('Which file starts the server?') });
    if (!choice) return undefined;
    const file = choice.uri ?? (await this.askForFile(folders[0]!));
    const folder = file && vscode.workspace.getWorkspaceFolder(file);
    if (file && !folder)
      throw new UserError('usage', t('The file lies outside of the workspace. Open its folder first.'));
    if (!file || !folder) return undefined;
    const script = relative(folder.uri.fsPath, file.fsPath);
    const definition: ServerTaskDefinition = { type: TASK_TYPE, script };
    return this.provider.resolveTask(new vscode.Task(definition, folder, script, TASK_TYPE));
  }

  private async askForFile(folder: vscode.WorkspaceFolder): Promise<vscode.Uri | undefined> {
    const files = await vscode.window.showOpenDialog({
      defaultUri: folder.uri,
      openLabel: t('Start Server'),
      filters: { [t('JavaScript and TypeScript')]: ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'] },
    });
    return files?.[0];
  }

  private async sessionOf(task: vscode.Task): Promise<Session | undefined> {
    for (const session of this.servers.sessions) {
      if (await startsServer(task, session)) return session;
    }
    return undefined;
  }

  /** Keeps the view's progress bar until the server has left its first state, or its task has ended. */
  private async untilStarted(task: vscode.Task): Promise<void> {
    const subscriptions: vscode.Disposable[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((done) => {
        timer = setTimeout(done, SHOWN_START_MS);
        subscriptions.push(
          this.runs.onDidEnd((run) => run.task.definition === task.definition && done()),
          this.servers.onDidChangeSnapshot(({ session }) => {
            if (session.snapshot?.state === 'starting') return;
            void startsServer(task, session).then((isIt) => isIt && done());
          }),
        );
      });
    } finally {
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
    }
  }
}
