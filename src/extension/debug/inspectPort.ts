/**
 * `${command:gracefulReload.inspectPort}` in a launch configuration: the port at which a debugger reaches the first worker.
 * VS Code asks for it before it runs `preLaunchTask`, so the server is started here where it does not run; the task then
 * runs already.
 */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { StartServer } from '../commands/startServer.ts';
import type { Targets } from '../commands/targets.ts';
import { TASK_TYPE } from '../contributions.ts';
import { UserError } from '../../protocol/userError.ts';
import type { DebugSessions } from './debugSessions.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';

export class InspectPort {
  private readonly servers: Servers;
  private readonly targets: Targets;
  private readonly start: StartServer;
  private readonly debugSessions: DebugSessions;

  constructor(servers: Servers, targets: Targets, start: StartServer, debugSessions: DebugSessions) {
    this.servers = servers;
    this.targets = targets;
    this.start = start;
    this.debugSessions = debugSessions;
  }

  /** @param argument the launch configuration, as VS Code passes it */
  async find(argument: unknown): Promise<string | undefined> {
    const session = await this.session(argument);
    if (!session) return undefined;
    const groups = session.snapshot?.groups ?? [];
    const group = groups.find(({ reloadable }) => reloadable) ?? groups[0];
    if (!group) throw new UserError('no-server', t('{0} has no worker to debug yet.', session.entry.name));
    const [worker] = await this.debugSessions.ports(session, { group: group.name, slot: 1 });
    return worker && String(worker.port);
  }

  private async session(argument: unknown): Promise<Session | undefined> {
    const task = await taskOf(argument);
    if (task) return this.start.ensure(task);
    if (this.servers.sessions.length > 0) return this.targets.server(undefined);
    await this.start.run();
    return this.targets.server(undefined);
  }
}

/** The task of ours that a launch configuration runs first. */
async function taskOf(argument: unknown): Promise<vscode.Task | undefined> {
  const name = (argument as { readonly preLaunchTask?: unknown } | undefined)?.preLaunchTask;
  if (typeof name !== 'string') return undefined;
  const tasks = await vscode.tasks.fetchTasks({ type: TASK_TYPE });
  return tasks.find((task) => task.name === name || `${TASK_TYPE}: ${task.name}` === name);
}
