/** Every command by its id. The type makes a missing one a compile error; a throw becomes a message with "Show Log". */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { UserError } from '../../protocol/userError.ts';
import { SERVERS_VIEW, type CommandId } from '../contributions.ts';
import type { HistoryPages } from '../history/historyPages.ts';
import type { Notifications } from '../notifications.ts';
import type { DebugSessions } from '../debug/debugSessions.ts';
import type { InspectPort } from '../debug/inspectPort.ts';
import type { RunningVersions } from '../compare/runningVersions.ts';
import type { LogChannels } from '../logs/logChannels.ts';
import type { RestartServer } from '../restart/restartServer.ts';
import type { Runs } from '../tasks/runs.ts';
import type { AddToTasks } from './addToTasks.ts';
import type { StartServer } from './startServer.ts';
import { stopServer } from './stopServer.ts';
import type { Targets } from './targets.ts';

export interface CommandParts {
  readonly start: StartServer;
  readonly restart: RestartServer;
  readonly addToTasks: AddToTasks;
  readonly targets: Targets;
  readonly history: HistoryPages;
  readonly debugSessions: DebugSessions;
  readonly inspectPort: InspectPort;
  readonly runs: Runs;
  readonly running: RunningVersions;
  readonly notifications: Notifications;
  readonly logChannels: LogChannels;
  readonly log: vscode.LogOutputChannel;
}

/** @param argument a tree row, a server id, or nothing */
type Handler = (argument: unknown) => PromiseLike<unknown>;

export function registerCommands(parts: CommandParts): vscode.Disposable {
  const { start, targets, runs, log } = parts;
  const handlers: Record<CommandId, Handler> = {
    'gracefulReload.start': () => withViewProgress(() => start.run()),
    'gracefulReload.reload': async (argument) => {
      const session = await targets.server(argument);
      return session && withViewProgress(() => session.request('reload', {}));
    },
    'gracefulReload.reloadGroup': async (argument) => {
      const target = await targets.group(argument);
      return target && withViewProgress(() => target.session.request('reload', { group: target.group.name }));
    },
    'gracefulReload.reloadWorker': async (argument) => {
      const target = await targets.worker(argument);
      if (!target) return;
      return withViewProgress(() => target.session.request('reload', { group: target.group.name, slot: target.slot }));
    },
    'gracefulReload.finishNow': async (argument) => {
      const target = await targets.draining(argument);
      if (!target) return;
      return target.session.request('finish', { group: target.group.name, slot: target.slot });
    },
    'gracefulReload.restart': async (argument) => {
      const session = await targets.server(argument);
      return session && withViewProgress(() => parts.restart.run(session));
    },
    'gracefulReload.stop': async (argument) => {
      const session = await targets.server(argument);
      if (session) await withViewProgress(() => stopServer(session, runs));
    },
    'gracefulReload.pause': async (argument) => (await targets.pausable(argument, false))?.request('pause', {}),
    'gracefulReload.resume': async (argument) => (await targets.pausable(argument, true))?.request('resume', {}),
    'gracefulReload.copyExclude': async (argument) => {
      const flapping = await targets.flapping(argument);
      if (!flapping) return;
      await vscode.env.clipboard.writeText(flapping.exclude);
      void vscode.window.showInformationMessage(
        t('{0} is copied. It belongs into "exclude" of the task or of the bootstrap script.', flapping.exclude),
      );
    },
    'gracefulReload.attachDebugger': async (argument) => {
      const target = await targets.debuggable(argument);
      if (target) await parts.debugSessions.attach(target.session, target.scope);
    },
    'gracefulReload.inspectPort': (argument) => parts.inspectPort.find(argument),
    'gracefulReload.compareWithRunning': async (argument) => {
      const target = await targets.changedFile(argument);
      if (target) await parts.running.compare(target.session, target.change);
    },
    'gracefulReload.openInBrowser': async (argument) => {
      const url = await targets.url(argument);
      // Through `asExternalUri`, so that a remote or browser workbench forwards the port.
      if (url !== undefined) await vscode.env.openExternal(await vscode.env.asExternalUri(vscode.Uri.parse(url)));
    },
    'gracefulReload.addToTasks': async (argument) => {
      const session = argument === undefined ? undefined : await targets.server(argument);
      await parts.addToTasks.run(session);
    },
    'gracefulReload.showTerminal': async (argument) => {
      const session = await targets.server(argument);
      if (!session) return;
      const terminal = await runs.terminalFor(session);
      if (!terminal)
        throw new UserError(
          'usage',
          t('{0} (pid {1}) was not started as a task of this window.', session.entry.name, session.entry.pid),
        );
      terminal.show();
    },
    'gracefulReload.showHistory': async (argument) => {
      const session = await targets.server(argument);
      if (session) parts.history.show(session);
    },
    'gracefulReload.showLog': async (argument) => {
      const target = await targets.log(argument);
      if (target === 'own') log.show();
      else if (target) parts.logChannels.show(target.session, target.scope);
    },
  };
  const registered = Object.entries(handlers).map(([id, handler]) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        return await handler(argument);
      } catch (error) {
        void parts.notifications.failed(error);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

function withViewProgress<T>(task: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: { viewId: SERVERS_VIEW } }, task);
}
