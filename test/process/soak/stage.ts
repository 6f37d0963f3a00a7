/** The server of a soak run with its clients: what the steps act on, and what has to be true between them. */
import assert from 'node:assert/strict';
import type { StrictClients } from '../clients/strictClients.ts';
import { marked } from '../harness/processes.ts';
import type { Project } from '../harness/project.ts';
import { ask } from '../harness/requests.ts';
import type { Server } from '../harness/server.ts';
import { UserError } from '../../../src/protocol/userError.ts';

const LIVE_LIMIT_MS = 30_000;
/** A crash may hit the canary of one reload after the other, if not for ever. */
const TRIES = 6;
/** The run lasts long: of what the server has said only the newest is kept. */
const KEPT_LINES = 500;
const KEPT_SNAPSHOTS = 5;

export class Stage {
  readonly project: Project;
  readonly server: Server;
  readonly clients: StrictClients;
  readonly ports: { readonly web: number; readonly gateway: number };
  /** How often each thing was done. */
  readonly counts = new Map<string, number>();
  /** What stands in word.cjs and in web.env: that has to serve. */
  private word = 0;
  private number = 0;

  constructor(project: Project, server: Server, clients: StrictClients) {
    this.project = project;
    this.server = server;
    this.clients = clients;
    this.ports = { web: server.port(0), gateway: server.port(1) };
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** A good content that was never there before. */
  newWord(): string {
    return `exports.word = 'word ${++this.word}';\n`;
  }

  newNumber(): string {
    return `NUMBER=${++this.number}\n`;
  }

  /** A crash beside it may have rejected it: then it is asked for again. */
  async done(what: 'reload' | 'restart'): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { result, error } = await this.server.control.request(what, {});
      if (result === 'done') return;
      assert.ok(tries < TRIES, `the ${what} ended as ${result}: ${error?.message}`);
    }
  }

  /** Resolves when it was answered, or refused with a reason. */
  async answered(request: Promise<unknown>): Promise<void> {
    await request.catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
    });
  }

  /** What new connections are answered with: every worker takes some. */
  async words(): Promise<string[]> {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(this.ports.web, '/')));
    return [
      ...new Set(answers.map(({ headers }) => `${String(headers['x-word'])}, number ${String(headers['x-number'])}`)),
    ];
  }

  get wanted(): string {
    return `word ${this.word}, number ${this.number}`;
  }

  /** What is on disk serves in every slot, nobody needs anything, and no request has failed. */
  async settle(): Promise<void> {
    const { server } = this;
    for (let tries = 1; ; tries++) {
      const live = await server.control.request('wait', { timeout: LIVE_LIMIT_MS });
      if (live.live) {
        assert.deepEqual(live.needsRestart, []);
        break;
      }
      assert.ok(tries < TRIES, `what is on disk does not serve: ${live.error.message}`);
      await this.done('reload');
    }
    await server.settled();
    assert.deepEqual(await this.words(), [this.wanted]);
    assert.deepEqual([server.port(0), server.port(1)], [this.ports.web, this.ports.gateway]);
    this.check();
    server.lines.splice(0, server.lines.length - KEPT_LINES);
    server.snapshots.splice(0, server.snapshots.length - KEPT_SNAPSHOTS);
  }

  check(): void {
    assert.deepEqual(this.clients.failures(), []);
  }

  /** Processes of the server, and what they run: workers, spares, the reaper; not the master. */
  processes(): Map<number, string> {
    const found = marked(this.project.mark);
    found.delete(this.server.pid);
    return found;
  }
}
