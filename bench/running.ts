/** An app under one of the tools: started in a folder of its own, saved, measured, ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endAll, marked } from '../scripts/lib/guarded.mjs';
import { entryOf, writeApp } from './appFolder.ts';
import { places, type AppName } from './places.ts';
import type { Tool } from './tools.ts';

const MARK = 'GR_BENCH_TOOL';
const START_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 60_000;
/** More than any of the tools stands still for; after it a request counts as lost. */
const REQUEST_LIMIT_MS = 10_000;
/** One that looks for the new code may be lost as well: the next one shall not wait for it. */
const LOOK_LIMIT_MS = 1000;
const LOOK_EVERY_MS = 2;
/** The longer it takes the less often, so that looking does not take the cores from what is looked for: it errs by this share. */
const LOOK_SHARE = 0.03;
/** CPU times stand in /proc in hundredths of a second. */
const TICK_MS = 10;

/** A tool is at rest when its processes use no more than this within that time; some never are. */
const REST_MS = 100;
const MOST_CPU_AT_REST_MS = 10;
const REST_LIMIT_MS = 5000;

export interface RunningOptions {
  readonly workers?: number;
  /** In front of what is saved. */
  readonly firstLine?: string;
}

export class Running {
  readonly tool: Tool;
  readonly folder: string;
  readonly port: number;
  private readonly mark = randomUUID();
  private readonly home: string;
  /** What is saved. */
  private readonly file: string;
  private source: string;
  private version = 0;
  private child: ChildProcess | undefined;

  private constructor(tool: Tool, app: AppName, port: number, firstLine: string | undefined) {
    this.tool = tool;
    this.port = port;
    this.home = join(places.folder, `${tool.id}-${app}-${this.mark.slice(0, 8)}`);
    this.folder = join(this.home, 'app');
    this.file = writeApp(app, `${tool.id}-${app}`, this.folder);
    // The version of the code stands in the code.
    this.source = readFileSync(this.file, 'utf8');
    if (firstLine === undefined) return;
    this.source = `${firstLine}\n${this.source}`;
    writeFileSync(this.file, this.source);
  }

  /** Resolves once the app answers. */
  static async start(tool: Tool, app: AppName, { workers = 1, firstLine }: RunningOptions = {}): Promise<Running> {
    const running = new Running(tool, app, await freePort(), firstLine);
    running.child = running.spawn(tool.command(entryOf(app), workers));
    const deadline = performance.now() + START_LIMIT_MS;
    while (!(await running.ask().catch(() => undefined))) {
      if (performance.now() > deadline || running.child.exitCode !== null) {
        await running.end();
        throw new Error(`${tool.name} with the ${app} app does not answer\n${running.log()}`);
      }
      await delay(20);
    }
    return running;
  }

  log(): string {
    return readFileSync(join(this.home, 'log'), 'utf8');
  }

  /** Writes the next version, as an editor would; resolves with it. What has to be done beside goes on in `told`. */
  save(): { version: string; told: Promise<void> } {
    this.version += 1;
    const version = `v${this.version}`;
    this.source = this.source.replace(/'v\d+'/, `'${version}'`);
    writeFileSync(this.file, this.source);
    return { version, told: this.tellTool() };
  }

  /** Writes something that is no next version, until the next `save`. */
  breakIt(breaks: (source: string) => string): { told: Promise<void> } {
    writeFileSync(this.file, breaks(this.source));
    return { told: this.tellTool() };
  }

  /** Of a change, where the tool does not watch; over when it has acted. */
  tellTool(): Promise<void> {
    const { afterSave } = this.tool;
    return afterSave ? this.run(afterSave) : Promise.resolve();
  }

  /** How often the program was started so far, where it tells so. */
  starts(): number {
    return readFileSync(this.startsFile, 'utf8').split('\n').length - 1;
  }

  /** Asks again and again, each time on a new connection, until this version answers. False when it does not within the limit. */
  async answers(version: string, limitMs: number, path?: string): Promise<boolean> {
    const since = performance.now();
    while (performance.now() < since + limitMs) {
      const answer = await this.ask(false, LOOK_LIMIT_MS, path).catch(() => undefined);
      if (answer === version) return true;
      await delay(Math.max(LOOK_EVERY_MS, (performance.now() - since) * LOOK_SHARE));
    }
    return false;
  }

  /** The version that answers. */
  ask(agent: Agent | false = false, limitMs = REQUEST_LIMIT_MS, path = '/'): Promise<string> {
    return new Promise((done, fail) => {
      const sent = request({ host: '127.0.0.1', port: this.port, path, agent, timeout: limitMs }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', fail);
        response.on('end', () => {
          const header = response.headers['x-generation'];
          if (response.statusCode !== 200) fail(new Error(`status ${response.statusCode}`));
          else done(typeof header === 'string' ? header : text);
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${limitMs} ms`)));
      sent.on('error', fail);
      sent.end();
    });
  }

  /** CPU time that its processes have used so far. */
  cpuMs(): number {
    return [...this.cpuByPid().values()].reduce((sum, each) => sum + each, 0);
  }

  private cpuByPid(): Map<number, number> {
    return new Map(
      this.pids().map((pid) => {
        const stat = readProc(pid, 'stat');
        const [user = 0, system = 0] = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .slice(11, 13)
          .map(Number);
        return [pid, (user + system) * TICK_MS];
      }),
    );
  }

  /** Resolves when it has done nothing for so long. */
  async rest(ms = REST_MS): Promise<void> {
    const limit = performance.now() + REST_LIMIT_MS;
    for (let before = this.cpuByPid(), used = Infinity; used > MOST_CPU_AT_REST_MS && performance.now() < limit;) {
      await delay(ms);
      const now = this.cpuByPid();
      // One that has ended takes its time with it.
      used = [...now].reduce((sum, [pid, cpuMs]) => sum + cpuMs - (before.get(pid) ?? 0), 0);
      before = now;
    }
  }

  /** What its processes have marked, where they are made to. */
  trace(): string {
    return readFileSync(this.traceFile, 'utf8');
  }

  /** Memory of all its processes, where a page that several share counts once. */
  memoryMb(): number {
    const kilobytes = this.pids().map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0));
    return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
  }

  async end(): Promise<void> {
    await endAll(() => this.pids());
  }

  private get startsFile(): string {
    return join(this.home, 'starts');
  }

  private get traceFile(): string {
    return join(this.home, 'trace');
  }

  private pids(): number[] {
    return marked(this.mark, MARK);
  }

  private async run(command: readonly string[]): Promise<void> {
    const child = this.spawn(command);
    const limit = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT_MS);
    await once(child, 'exit');
    clearTimeout(limit);
  }

  private spawn([command = '', ...args]: readonly string[]): ChildProcess {
    const output = openSync(join(this.home, 'log'), 'a');
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      [MARK]: this.mark,
      PORT: String(this.port),
      BENCH_STARTS: this.startsFile,
      BENCH_TRACE: this.traceFile,
      PM2_HOME: join(this.home, 'pm2'),
      NO_COLOR: '1',
    };
    const child = spawn(command, args, { cwd: this.folder, env, stdio: ['ignore', output, output] });
    child.on('error', (error) => console.error(`${command}: ${error.message}`));
    return child;
  }
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
