/** One running server: its terminal, its snapshots, requests to it, and its end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ControlClient } from '../../../src/client/controlClient.ts';
import { registryEntrySchema, type RegistryEntry } from '../../../src/protocol/registry.ts';
import type { GroupStatus, ReloadReport, Snapshot, WorkerStatus } from '../../../src/protocol/status.ts';
import { Changes, LIMIT_MS } from './events.ts';
import { cli, node } from './paths.ts';
import type { Project } from './project.ts';
import { ask, type Answer, type AskOptions } from './requests.ts';

export interface ServerOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** On a pseudo-terminal, which util-linux's `script` gives: `child` is the terminal then. */
  readonly isOnTerminal?: boolean;
  /** Flags of the Node that runs the master. */
  readonly masterFlags?: readonly string[];
  /** A program that becomes the command that follows it, such as `prlimit --nofile=50`. */
  readonly under?: readonly string[];
}

export class Server {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  /** What it wrote, line by line, on standard output and standard error together. */
  readonly lines: string[] = [];
  /** Every snapshot since the server could be reached, in order. */
  readonly snapshots: Snapshot[] = [];
  private readonly changes = new Changes();
  private readonly project: Project;
  private readonly ports = new Set<number>();
  private readonly isOnTerminal: boolean;
  private client: ControlClient | undefined;
  private hasExited = false;

  constructor(project: Project, args: readonly string[], options: ServerOptions) {
    this.project = project;
    this.isOnTerminal = options.isOnTerminal ?? false;
    const words = [...(options.under ?? []), node, ...(options.masterFlags ?? []), '--', cli, 'start', ...args];
    const [file, ...rest] = this.isOnTerminal ? ['script', '-qefc', `exec ${words.join(' ')}`, '/dev/null'] : words;
    this.child = spawn(file!, rest, {
      cwd: join(project.folder, options.cwd ?? ''),
      env: project.environment({ ...(this.isOnTerminal ? { NO_COLOR: '1' } : {}), ...options.env }),
      stdio: [this.isOnTerminal ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop() ?? '';
        this.lines.push(...lines);
        this.changes.tell();
      });
    }
    this.exit = new Promise((done) => {
      this.child.once('close', (code) => {
        this.hasExited = true;
        this.changes.tell();
        done(code);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get snapshot(): Snapshot {
    const last = this.snapshots.at(-1);
    if (!last) throw new Error('no snapshot yet');
    return last;
  }

  get lastReload(): ReloadReport | null {
    return this.snapshot.lastReload;
  }

  group(name = 'main', snapshot = this.snapshot): GroupStatus {
    const group = snapshot.groups.find((candidate) => candidate.name === name);
    if (!group) throw new Error(`there is no group ${name}`);
    return group;
  }

  /** Ready workers of a group by slot. */
  ready(name = 'main', snapshot = this.snapshot): WorkerStatus[] {
    const group = snapshot.groups.find((candidate) => candidate.name === name);
    return (group?.workers ?? []).filter(({ state }) => state === 'ready').sort((a, b) => a.slot - b.slot);
  }

  pids(name = 'main', snapshot = this.snapshot): (number | null)[] {
    return this.ready(name, snapshot).map(({ pid }) => pid);
  }

  port(index = 0): number {
    const port = this.snapshot.addresses[index]?.port;
    if (port === null || port === undefined)
      throw new Error(`no address number ${index}: ${JSON.stringify(this.snapshot.addresses)}`);
    return port;
  }

  /** The control socket is there, and snapshots come in. */
  async reachable(): Promise<void> {
    await this.line(/^graceful-reload {2}.* starting$/);
    this.client = await ControlClient.connect(this.registryEntry(), 'test');
    await this.client.subscribe((snapshot) => {
      this.snapshots.push(snapshot);
      for (const { port } of snapshot.addresses) if (port) this.ports.add(port);
      this.changes.tell();
    });
  }

  registryEntry(): RegistryEntry {
    const folder = this.project.runtimeFolder;
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.json'))) {
      const entry = registryEntrySchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
      if (this.isOnTerminal || entry.pid === this.pid) return entry;
    }
    throw new Error(`process ${this.pid} is not registered`);
  }

  get control(): ControlClient {
    if (!this.client) throw new Error('not connected');
    return this.client;
  }

  /** The first line that matches, from line number `from` on. */
  line(pattern: RegExp, from = 0): Promise<string> {
    return this.until(() => this.lines.slice(from).find((line) => pattern.test(line)), `a line like ${pattern}`);
  }

  /** Resolves with what `check` answers, asked after each line and each snapshot. */
  until<T>(check: () => T | undefined | false, what: string, limitMs = LIMIT_MS): Promise<T> {
    const withEnd = (): T | undefined | false => {
      const found = check();
      if ((found === undefined || found === false) && this.hasExited)
        throw new Error(`the server ended before ${what}\n${this.facts()}`);
      return found;
    };
    return this.changes.until(withEnd, what, () => this.facts(), limitMs);
  }

  /** Resolves with the first snapshot from now on (the present one included) that `check` likes. */
  snapshotWith(check: (snapshot: Snapshot) => boolean | undefined, what: string): Promise<Snapshot> {
    return this.until(() => {
      const last = this.snapshots.at(-1);
      return last && check(last) ? last : undefined;
    }, what);
  }

  /** Nothing is under way, and every wanted worker is there and alone in its slot. */
  settled(): Promise<Snapshot> {
    return this.snapshotWith(
      ({ state, groups }) =>
        state === 'running' &&
        groups.length > 0 &&
        groups.every(
          ({ wanted, workers }) => workers.length === wanted && workers.every((worker) => worker.state === 'ready'),
        ),
      'a settled server',
    );
  }

  /** The end of the next reload after the one with this id. */
  async reloadAfter(id: number | undefined): Promise<ReloadReport> {
    const snapshot = await this.snapshotWith(
      ({ lastReload, state }) =>
        state !== 'reloading' && lastReload !== null && lastReload.id > (id ?? 0) && lastReload.result !== 'superseded',
      `the end of a reload after ${id ?? 'the start'}`,
    );
    return snapshot.lastReload!;
  }

  /** Does something that causes a reload, and gives its result. */
  async reloadBy(act: () => unknown): Promise<ReloadReport> {
    const before = this.lastReload?.id;
    await act();
    return this.reloadAfter(before);
  }

  ask(path = '/', options: AskOptions = {}): Promise<Answer> {
    return ask(this.port(options.address), path, options);
  }

  /** Ends it with a signal; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    // Windows has no signals: there every one of them is SIGKILL.
    if (process.platform === 'win32') await this.client?.request('stop', {}).catch(() => undefined);
    else if (!this.hasExited) this.child.kill(signal);
    await this.changes.until(
      () => this.hasExited,
      `the end after ${signal}`,
      () => this.facts(),
    );
    return this.exit;
  }

  /** Stops it if need be, and sees that no address of it is taken any more. */
  async dispose(): Promise<void> {
    try {
      await this.stop();
    } catch (error) {
      this.child.kill('SIGKILL');
      throw error;
    } finally {
      this.client?.dispose();
    }
    for (const port of this.ports) await portFree(port);
  }

  facts(): string {
    const snapshot = this.snapshots.at(-1);
    const state = snapshot ? JSON.stringify({ ...snapshot, reloads: snapshot.reloads.length }, null, 1) : 'no snapshot';
    return `its output:\n${this.lines.map((line) => `  ${line}`).join('\n')}\nlast snapshot: ${state}`;
  }
}

/** Resolves once nobody listens there. A process that has just ended may hold its sockets for a moment longer. */
export async function portFree(port: number): Promise<void> {
  const deadline = Date.now() + 5000;
  while (await isTaken(port)) if (Date.now() > deadline) throw new Error(`port ${port} is still taken`);
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, 'localhost');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
