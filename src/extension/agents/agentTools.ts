/**
 * Language-model tools: what a coding agent in this window asks of the servers, over the same wire and in the same words
 * as the command line. What each takes is described in the manifest, for the model, and checked here.
 */
import { t } from '@vscode/l10n';
import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import * as z from 'zod';
import { readLog } from '../../client/readLog.ts';
import {
  errorText,
  explanationText,
  liveText,
  logText,
  notLiveText,
  reportText,
  statusText,
} from '../../protocol/inWords.ts';
import { UserError } from '../../protocol/userError.ts';
import type { ToolId } from '../contributions.ts';
import type { Servers } from '../servers.ts';
import type { Session } from '../session.ts';
import type { WorkspaceFolders } from '../workspaceFolders.ts';

const DEFAULT_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 300;
const DEFAULT_LOG_LINES = 100;
const MOST_LOG_LINES = 1000;

const server = z.string().optional();
const inputs = {
  gracefulReload_status: z.object({ server }),
  gracefulReload_wait: z.object({ server, timeoutSeconds: z.number().positive().max(LONGEST_WAIT_SECONDS).optional() }),
  gracefulReload_explain: z.object({ server, file: z.string().min(1) }),
  gracefulReload_logs: z.object({
    server,
    group: z.string().optional(),
    slot: z.number().int().positive().optional(),
    lines: z.number().int().positive().max(MOST_LOG_LINES).optional(),
  }),
  gracefulReload_reload: z.object({ server, group: z.string().optional() }),
} satisfies Record<ToolId, z.ZodType>;

type Input<T extends ToolId> = z.infer<(typeof inputs)[T]>;

interface Answering<T extends ToolId> {
  /** What the person reads while it runs. */
  readonly doing: string;
  /** What the person is asked first, where something changes. */
  readonly confirm?: (input: Input<T>) => vscode.LanguageModelToolConfirmationMessages;
  readonly answer: (input: Input<T>) => Promise<string>;
}

export class AgentTools implements vscode.Disposable {
  private readonly servers: Servers;
  private readonly folders: WorkspaceFolders;
  private readonly subscriptions: vscode.Disposable[];

  constructor(servers: Servers, folders: WorkspaceFolders) {
    this.servers = servers;
    this.folders = folders;
    this.subscriptions = [
      register('gracefulReload_status', {
        doing: t('Reading the state of the server'),
        answer: (input) => this.status(input),
      }),
      register('gracefulReload_wait', {
        doing: t('Waiting until the edits serve'),
        answer: (input) => this.wait(input),
      }),
      register('gracefulReload_explain', {
        doing: t('Asking what a save would do'),
        answer: (input) => this.explain(input),
      }),
      register('gracefulReload_logs', {
        doing: t('Reading what the workers wrote'),
        answer: (input) => this.logs(input),
      }),
      register('gracefulReload_reload', {
        doing: t('Reloading workers'),
        confirm: ({ group }) => ({
          title: t('Reload workers'),
          message:
            group === undefined
              ? t('Replace the workers one at a time? No request fails.')
              : t('Replace the workers of "{0}" one at a time? No request fails.', group),
        }),
        answer: (input) => this.reload(input),
      }),
    ];
  }

  private async status(input: Input<'gracefulReload_status'>): Promise<string> {
    if (input.server === undefined && this.servers.sessions.length === 0) await this.servers.scan();
    const sessions = input.server === undefined ? this.servers.sessions : [await this.session(input.server)];
    if (sessions.length === 0) return NO_SERVER;
    const snapshots = await Promise.all(sessions.map((session) => session.request('status', {})));
    return snapshots.map((snapshot) => statusText(snapshot)).join('\n\n');
  }

  private async wait(input: Input<'gracefulReload_wait'>): Promise<string> {
    const session = await this.session(input.server);
    const timeout = (input.timeoutSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    const report = await session.request('wait', { timeout });
    return report.live ? liveText(report) : notLiveText(report);
  }

  private async explain(input: Input<'gracefulReload_explain'>): Promise<string> {
    const session = await this.session(input.server);
    const file = await this.realPathOf(input.file);
    return explanationText(await session.request('explain', { file }));
  }

  /** With the error that stands, which may have come before the last lines. */
  private async logs({ server: wanted, group, slot, lines }: Input<'gracefulReload_logs'>): Promise<string> {
    const session = await this.session(wanted);
    const { snapshot } = session;
    const error = snapshot?.error ?? (snapshot?.lastReload?.result === 'rejected' ? snapshot.lastReload.error : null);
    const texts = error ? [`${errorText(error)}\n`] : [];
    for await (const entries of readLog(session, { group, slot, lines: lines ?? DEFAULT_LOG_LINES, follow: false }))
      texts.push(...entries.map((entry) => stripVTControlCharacters(logText(entry))));
    return texts.length === 0 ? 'The workers have written nothing.' : texts.join('\n');
  }

  private async reload(input: Input<'gracefulReload_reload'>): Promise<string> {
    const session = await this.session(input.server);
    const report = await session.request('reload', input.group === undefined ? {} : { group: input.group });
    return reportText(report);
  }

  /** @throws UserError `no-server`, `ambiguous`: with what the agent can do next */
  private async session(wanted: string | undefined): Promise<Session> {
    if (this.servers.sessions.length === 0) await this.servers.scan();
    const all = this.servers.sessions;
    const found = all.filter(
      ({ entry }) => wanted === undefined || entry.name === wanted || String(entry.pid) === wanted,
    );
    const [only] = found;
    if (only && found.length === 1) return only;
    if (all.length === 0) throw new UserError('no-server', NO_SERVER);
    const list = all.map(({ entry }) => `${entry.name} (pid ${entry.pid})`).join(', ');
    throw found.length > 1
      ? new UserError('ambiguous', `Several servers run: ${list}. Name one as "server", by its name or pid.`)
      : new UserError('no-server', `No server "${wanted}" is running; running: ${list}.`);
  }

  /** Agents name files as they stand in the workspace; programs know theirs by real path. */
  private async realPathOf(file: string): Promise<string> {
    const folders = await this.folders.refresh();
    const candidates = isAbsolute(file) ? [file] : folders.map(({ path }) => resolve(path, file));
    for (const candidate of candidates) {
      const real = await realpath(candidate).catch(() => undefined);
      if (real !== undefined) return real;
    }
    throw new UserError('usage', `There is no file ${file} in this workspace.`);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const NO_SERVER =
  'No server is running in this workspace. Start one with the command "Graceful Reload: Start Server", its task, or `graceful-reload start` in a terminal.';

function register<T extends ToolId>(id: T, { doing, confirm, answer }: Answering<T>): vscode.Disposable {
  const parse = (input: unknown): Input<T> => {
    const parsed = inputs[id].safeParse(input ?? {});
    if (!parsed.success) throw new UserError('usage', z.prettifyError(parsed.error));
    return parsed.data as Input<T>;
  };
  return vscode.lm.registerTool(id, {
    prepareInvocation: ({ input }) => ({
      invocationMessage: doing,
      ...(confirm ? { confirmationMessages: confirm(parse(input)) } : {}),
    }),
    invoke: async ({ input }) =>
      new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(await answer(parse(input)))]),
  });
}
