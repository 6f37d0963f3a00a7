/** The wiring plan: everything the extension consists of, made and connected once, disposed with the extension. */
import * as l10n from '@vscode/l10n';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { createApi, type GracefulReloadApi } from './api.ts';
import { AgentTools } from './agents/agentTools.ts';
import { AddToTasks } from './commands/addToTasks.ts';
import { registerCommands } from './commands/commands.ts';
import { StartServer } from './commands/startServer.ts';
import { Targets } from './commands/targets.ts';
import { RunningVersions } from './compare/runningVersions.ts';
import { EXTENSION_NAME, HISTORY_PAGE, RUNNING_SCHEME, TASK_TYPE } from './contributions.ts';
import { Diagnostics } from './diagnostics/diagnostics.ts';
import { QuickFixes } from './diagnostics/quickFixes.ts';
import { StartFailures } from './diagnostics/startFailures.ts';
import { HistoryPages } from './history/historyPages.ts';
import { LogChannels } from './logs/logChannels.ts';
import { Notifications } from './notifications.ts';
import { BootstrapEdits } from './restart/bootstrapEdits.ts';
import { RestartServer } from './restart/restartServer.ts';
import { SavePolicy } from './save/savePolicy.ts';
import { Saves } from './save/saves.ts';
import { Servers } from './servers.ts';
import { Shown } from './shown.ts';
import { DeadTerminals } from './tasks/deadTerminals.ts';
import { DetectedServers } from './tasks/detectedServers.ts';
import { ServerTaskProvider } from './tasks/provider.ts';
import { Runs } from './tasks/runs.ts';
import { TaskEdits } from './tasks/taskEdits.ts';
import { DebugSessions } from './debug/debugSessions.ts';
import { InspectPort } from './debug/inspectPort.ts';
import { Decorations } from './views/decorations.ts';
import { LanguageStatus } from './views/languageStatus.ts';
import { ServersView } from './views/serversView.ts';
import { StatusBar } from './views/statusBar.ts';
import { ViewProgress } from './views/viewProgress.ts';
import { urlsOf } from './views/format.ts';
import { WorkspaceFolders } from './workspaceFolders.ts';
import { ContextValues } from './wrappers.ts';

export interface App extends vscode.Disposable {
  readonly api: GracefulReloadApi;
}

export function createApp(context: vscode.ExtensionContext): App {
  // Pure code cannot ask VS Code for its texts; this library knows the same bundle.
  if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });
  const subscriptions: vscode.Disposable[] = [];
  const own = <T extends vscode.Disposable>(part: T): T => {
    subscriptions.push(part);
    return part;
  };

  const log = own(vscode.window.createOutputChannel(EXTENSION_NAME, { log: true }));
  const folders = new WorkspaceFolders();
  const servers = own(new Servers(log, folders));
  const shown = own(new Shown(servers));

  const detected = own(new DetectedServers());
  const storage = (context.storageUri ?? context.globalStorageUri).fsPath;
  const provider = new ServerTaskProvider(context.extensionPath, storage, detected);
  own(vscode.tasks.registerTaskProvider(TASK_TYPE, provider));
  const runs = own(new Runs(context.workspaceState));

  const view = own(new ServersView(servers, shown, folders));
  const statusBar = own(new StatusBar());
  const startFailures = own(new StartFailures(servers, folders, provider, runs));
  own(new Diagnostics(shown, folders, startFailures));
  own(
    vscode.languages.registerCodeActionsProvider(
      { scheme: 'file' },
      new QuickFixes(shown, folders),
      QuickFixes.metadata,
    ),
  );
  own(vscode.window.registerFileDecorationProvider(own(new Decorations(shown, folders))));
  own(new LanguageStatus(shown));
  own(new Saves(servers, log));
  own(new SavePolicy(servers, log));
  const notifications = own(new Notifications(servers, folders, log));

  const history = own(new HistoryPages(context.extensionUri, servers));
  own(vscode.window.registerWebviewPanelSerializer(HISTORY_PAGE, history));
  own(new ViewProgress(shown));

  const running = own(new RunningVersions(servers, folders));
  own(vscode.workspace.registerTextDocumentContentProvider(RUNNING_SCHEME, running));
  const start = new StartServer(servers, runs, view, provider, own(new DeadTerminals(runs)));
  const restart = new RestartServer(own(new TaskEdits(servers, detected, log)), runs, start, servers);
  own(
    new BootstrapEdits({
      servers,
      notifications,
      restart,
      compare: (session, change) => running.compare(session, change),
    }),
  );
  const targets = new Targets(servers, folders);
  const debugSessions = own(new DebugSessions(servers, join(context.extensionPath, 'dist'), log));
  own(new AgentTools(servers, folders));
  own(
    registerCommands({
      start,
      restart,
      addToTasks: new AddToTasks(runs, folders),
      targets,
      debugSessions,
      inspectPort: new InspectPort(servers, targets, start, debugSessions),
      history,
      runs,
      running,
      notifications,
      logChannels: own(new LogChannels(servers)),
      log,
    }),
  );

  const contextValues = new ContextValues();
  const showState = (): void => {
    const known = shown.list.map(({ session, snapshot }) => ({ id: session.id, snapshot }));
    statusBar.show(known);
    contextValues.set('gracefulReload.running', known.length > 0);
    contextValues.set(
      'gracefulReload.restartNeeded',
      servers.sessions.some(({ snapshot }) => (snapshot?.needsRestart.length ?? 0) > 0),
    );
    contextValues.set(
      'gracefulReload.reloaded',
      known.some(({ snapshot }) => snapshot.reloads.some(({ result }) => result === 'done')),
    );
    contextValues.set(
      'gracefulReload.draining',
      known.some(({ snapshot }) =>
        snapshot.groups.some(({ workers }) => workers.some(({ state }) => state === 'draining')),
      ),
    );
    contextValues.set(
      'gracefulReload.paused',
      known.some(({ snapshot }) => snapshot.paused),
    );
    contextValues.set(
      'gracefulReload.pausable',
      known.some(({ snapshot }) => !snapshot.paused),
    );
    contextValues.set(
      'gracefulReload.flapping',
      known.some(({ snapshot }) => snapshot.flapping.length > 0),
    );
    contextValues.set(
      'gracefulReload.browsable',
      known.some(({ snapshot }) => urlsOf(snapshot.addresses).length > 0),
    );
  };
  own(shown.onDidChange(showState));
  own(startFailures.onDidFail((failure) => void notifications.startFailed(failure)));

  const detect = async (): Promise<void> =>
    contextValues.set('gracefulReload.detected', detected.list().length > 0 ? 'some' : 'none');
  own(detected.onDidChange(() => void detect()));
  const begin = (): void => {
    servers.start();
    void detect();
  };
  // Nothing of a workspace that is not trusted is looked at, and the first look waits until `activate` has returned.
  if (vscode.workspace.isTrusted) {
    const timer = setTimeout(begin, 0);
    own(new vscode.Disposable(() => clearTimeout(timer)));
  }
  own(vscode.workspace.onDidGrantWorkspaceTrust(begin));

  return {
    api: createApi(servers, subscriptions),
    dispose: () => {
      for (const part of subscriptions.reverse()) part.dispose();
    },
  };
}
