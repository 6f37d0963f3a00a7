/**
 * What a command acts on: the row it was called on, the server id that a link carries, or what the person picks. A
 * command of the palette has no argument; then the only candidate is taken, and several are listed.
 */
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { Flapping, GroupStatus, NeedsRestart, Snapshot } from '../../protocol/status.ts';
import { UserError } from '../../protocol/userError.ts';
import { EXTENSION_NAME } from '../contributions.ts';
import type { DebugScope } from '../debug/debugSessions.ts';
import type { LogScope } from '../logs/logChannels.ts';
import { editorPath } from '../paths.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import { plural, urlsOf, workerStateText } from '../views/format.ts';
import type { RowTarget } from '../views/row.ts';
import { RowNode } from '../views/rowTree.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';

export interface GroupTarget {
  readonly session: Session;
  readonly group: GroupStatus;
}

export interface WorkerTarget extends GroupTarget {
  readonly slot: number;
}

export interface LogTarget {
  readonly session: Session;
  readonly scope: LogScope;
}

export interface ChangedFileTarget {
  readonly session: Session;
  readonly change: NeedsRestart;
}

/** Every method answers undefined when the person closed the list without a choice. */
export class Targets {
  private readonly servers: Servers;
  private readonly folders: WorkspaceFolders;

  constructor(servers: Servers, folders: WorkspaceFolders) {
    this.servers = servers;
    this.folders = folders;
  }

  /**
   * @param suits which of them the command means, where it is told none; any if it is none of them
   * @throws UserError `no-server`
   */
  async server(argument: unknown, suits: (snapshot: Snapshot) => boolean = () => true): Promise<Session | undefined> {
    const id = targetOf(argument)?.server;
    if (id !== undefined) {
      const session = this.servers.session(id);
      if (!session) throw new UserError('no-server', t('This server has ended meanwhile.'));
      return session;
    }
    const sessions = this.servers.sessions;
    if (sessions.length === 0)
      throw new UserError('no-server', t('No server is running here. Start one with "Graceful Reload: Start Server".'));
    const suiting = sessions.filter(({ snapshot }) => snapshot && suits(snapshot));
    return pick(suiting.length > 0 ? suiting : sessions, t('Which server?'), (session) => ({
      label: session.entry.name,
      description: `${session.snapshot?.script ?? ''} · pid ${session.entry.pid}`,
    }));
  }

  /** One that is paused, or one that is not. */
  pausable(argument: unknown, isPaused: boolean): Promise<Session | undefined> {
    return this.server(argument, ({ paused }) => paused === isPaused);
  }

  /** A file that changes with each reload that it causes. */
  async flapping(argument: unknown): Promise<Flapping | undefined> {
    const target = targetOf(argument);
    const candidates = this.servers.sessions
      .filter(({ id }) => target === undefined || target.server === id)
      .flatMap(({ snapshot }) => snapshot?.flapping ?? [])
      .filter(({ file }) => target?.file === undefined || target.file === file);
    if (candidates.length === 0) throw new UserError('usage', t('No file changes with each reload.'));
    return pick(candidates, t('Which file?'), ({ file, exclude }) => ({ label: file, description: exclude }));
  }

  /** @throws UserError `no-server`, `not-reloadable` */
  async group(argument: unknown): Promise<GroupTarget | undefined> {
    const session = await this.server(argument);
    const groups = session?.snapshot?.groups ?? [];
    const named = groups.find((group) => group.name === targetOf(argument)?.group);
    if (session && named) return { session, group: named };
    const reloadable = groups.filter((group) => group.reloadable);
    if (session && reloadable.length === 0) {
      throw new UserError(
        'not-reloadable',
        t('{0} has no group that reloads. Restart the server instead.', session.entry.name),
      );
    }
    const group = await pick(reloadable, t('Which group?'), ({ name, entry, wanted }) => ({
      label: name,
      description: `${entry} · ${plural(wanted, 'worker')}`,
    }));
    return session && group && { session, group };
  }

  /** The file that an editor shows stands for itself; else one of those that differ. */
  async changedFile(argument: unknown): Promise<ChangedFileTarget | undefined> {
    const target = targetOf(argument);
    const active = vscode.window.activeTextEditor?.document.uri.fsPath;
    const all = this.servers.sessions.flatMap((session) =>
      (session.snapshot?.needsRestart ?? []).map((change) => ({ session, change })),
    );
    const comparable = all.filter(
      ({ session, change }) => change.changed !== null && (target === undefined || target.server === session.id),
    );
    const named = comparable.filter(({ change }) => change.file === target?.file);
    const shown = comparable.filter(
      ({ session, change }) => editorPath(change.file, session.entry.cwd, this.folders.current) === active,
    );
    const candidates = [named, shown, comparable].find((some) => some.length > 0) ?? [];
    if (candidates.length === 0) throw new UserError('usage', t('No file differs from what a server runs.'));
    return pick(candidates, t('Which file?'), ({ session, change }) => ({
      label: change.file,
      description: session.entry.name,
    }));
  }

  /** An address that a browser can open: the one of a link, else one of the row's group or server. */
  async url(argument: unknown): Promise<string | undefined> {
    const target = targetOf(argument);
    if (target?.url !== undefined) return target.url;
    const session = await this.server(argument);
    const snapshot = session?.snapshot;
    if (!snapshot) return undefined;
    const group = snapshot.groups.find(({ name }) => name === target?.group);
    const urls = urlsOf((group ?? snapshot).addresses);
    if (urls.length === 0) throw new UserError('usage', t('{0} has no address to open.', snapshot.name));
    return pick(urls, t('Which address?'), (label) => ({ label }));
  }

  /**
   * The log of a row is that of all workers and builders below it; from the palette one is picked, the extension's own among them.
   *
   * @returns `own` = the extension's
   */
  async log(argument: unknown): Promise<LogTarget | 'own' | undefined> {
    const target = targetOf(argument);
    if (target) {
      const session = await this.server(argument);
      const { group, slot, build } = target;
      const scope = {
        ...(group === undefined ? {} : { group }),
        ...(slot === undefined ? {} : { slot }),
        ...(build === undefined ? {} : { build }),
      };
      return session && { session, scope };
    }
    const choices = this.servers.sessions.flatMap((session) => {
      const description = `${session.entry.name} · pid ${session.entry.pid}`;
      const slots = (session.snapshot?.groups ?? []).flatMap(({ name: group, workers }) =>
        [...new Set(workers.map(({ slot }) => slot))].map((slot) => ({ group, slot })),
      );
      return [
        { label: t('All workers'), description, log: { session, scope: {} } },
        ...slots.map((scope) => ({ label: `${scope.group}#${scope.slot}`, description, log: { session, scope } })),
        ...(session.snapshot?.builds ?? []).map(({ command: build }) => ({
          label: build,
          description,
          log: { session, scope: { build } },
        })),
      ];
    });
    const own = { label: EXTENSION_NAME, description: t('what the extension does'), log: 'own' as const };
    return (
      await pick<{ label: string; description: string; log: LogTarget | 'own' }>(
        [...choices, own],
        t('Whose log?'),
        (choice) => choice,
      )
    )?.log;
  }

  /** A worker that finishes its work. */
  async draining(argument: unknown): Promise<WorkerTarget | undefined> {
    const target = targetOf(argument);
    const all = this.servers.sessions.flatMap((session) =>
      (session.snapshot?.groups ?? []).flatMap((group) =>
        group.workers
          .filter(({ state }) => state === 'draining')
          .map(({ slot, inFlight }) => ({ session, group, slot, inFlight })),
      ),
    );
    const candidates = all.filter(
      ({ session, group, slot }) =>
        (target === undefined || target.server === session.id) &&
        (target?.group === undefined || target.group === group.name) &&
        (target?.slot === undefined || target.slot === slot),
    );
    if (candidates.length === 0) throw new UserError('usage', t('No worker is finishing its work.'));
    return pick(candidates, t('Which worker?'), ({ session, group, slot, inFlight }) => ({
      label: `${group.name}#${slot}`,
      description: `${session.entry.name} · ${plural(inFlight, 'request')}`,
    }));
  }

  /** A row stands for all workers below it; from the palette one is picked. */
  async debuggable(argument: unknown): Promise<{ readonly session: Session; readonly scope: DebugScope } | undefined> {
    const session = await this.server(argument);
    if (!session) return undefined;
    const { group, slot } = targetOf(argument) ?? {};
    if (argument !== undefined)
      return { session, scope: { ...(group === undefined ? {} : { group }), ...(slot === undefined ? {} : { slot }) } };
    const workers = (session.snapshot?.groups ?? []).flatMap(({ name, workers: all }) =>
      all.filter(({ state }) => state !== 'draining').map((worker) => ({ ...worker, group: name })),
    );
    const worker = await pick(workers, t('Which worker?'), ({ group: name, slot: index, pid, state }) => ({
      label: `${name}#${index}`,
      description: [workerStateText(state), ...(pid === null ? [] : [`pid ${pid}`])].join(' · '),
    }));
    return worker && { session, scope: { group: worker.group, slot: worker.slot } };
  }

  async worker(argument: unknown): Promise<WorkerTarget | undefined> {
    const target = await this.group(argument);
    if (!target) return undefined;
    const asked = targetOf(argument)?.slot;
    if (asked !== undefined) return { ...target, slot: asked };
    const workers = target.group.workers.filter((worker) => worker.state !== 'draining');
    const worker = await pick(workers, t('Which worker?'), ({ slot, pid, state }) => ({
      label: `${target.group.name}#${slot}`,
      description: [workerStateText(state), ...(pid === null ? [] : [`pid ${pid}`])].join(' · '),
    }));
    return worker && { ...target, slot: worker.slot };
  }
}

/** A tree row, the id of a server (a link in a tooltip), or a target (a quick fix). */
function targetOf(argument: unknown): RowTarget | undefined {
  if (argument instanceof RowNode) return argument.row.target;
  if (typeof argument === 'string') return { server: argument };
  if (typeof argument === 'object' && argument !== null && 'server' in argument && typeof argument.server === 'string')
    return argument as RowTarget;
  return undefined;
}

export async function pick<T>(
  items: readonly T[],
  placeHolder: string,
  describe: (item: T) => vscode.QuickPickItem,
): Promise<T | undefined> {
  if (items.length <= 1) return items[0];
  const choices = items.map((item) => ({ ...describe(item), item }));
  return (await vscode.window.showQuickPick(choices, { placeHolder }))?.item;
}
