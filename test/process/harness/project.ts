/** A fixture copied into a folder of its own, with a runtime folder of its own, in which CLI commands run. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { LIMIT_MS } from './events.ts';
import { allGone, killMarked, MARK_VARIABLE } from './processes.ts';
import { cli, fixtures, node, root } from './paths.ts';
import { Server, type ServerOptions } from './server.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Relative to the project. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The Node that runs the command. */
  readonly node?: string;
}

export class Project {
  readonly folder: string;
  readonly runtimeFolder: string;
  readonly mark = randomUUID();
  private readonly base: string;
  private readonly servers: Server[] = [];

  private constructor(fixture: string) {
    this.base = realpathSync(mkdtempSync(join(tmpdir(), 'gr-process-')));
    this.folder = join(this.base, 'project');
    this.runtimeFolder = join(this.base, 'run');
    cpSync(join(fixtures, fixture), this.folder, { recursive: true });
  }

  /** Copies the fixture; when the test is over everything has to be gone. */
  static of(fixture: string, t: Pick<TestContext, 'after'>): Project {
    const project = new Project(fixture);
    t.after(() => project.dispose());
    return project;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** As an editor that writes in place. */
  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** As an editor that writes beside and renames. */
  writeAtomically(name: string, text: string): void {
    const beside = this.path(`${name}.${randomUUID()}~`);
    writeFileSync(beside, text);
    renameSync(beside, this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path(name));
  }

  replace(name: string, from: string | RegExp, to: string): void {
    const before = this.read(name);
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${name} does not hold ${String(from)}`);
    this.write(name, after);
  }

  /** Makes a package that this repository has installed one of the project's. */
  link(name: string): void {
    mkdirSync(dirname(this.path(`node_modules/${name}`)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), this.path(`node_modules/${name}`));
  }

  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      GRACEFUL_RELOAD_RUNTIME_DIR: this.runtimeFolder,
      XDG_CACHE_HOME: join(this.base, 'cache'),
      [MARK_VARIABLE]: this.mark,
      ...more,
    };
    // What the test runner sets for its own children.
    for (const name of ['NODE_TEST_CONTEXT', 'NODE_OPTIONS', 'FORCE_COLOR', 'NO_COLOR', 'PORT'])
      if (!(name in more)) delete env[name];
    return env;
  }

  /** Runs a CLI command to its end. */
  async run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const child = spawn(options.node ?? node, ['--', cli, ...args], {
      cwd: join(this.folder, options.cwd ?? ''),
      env: this.environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    const code = await new Promise<number | null>((done, fail) => {
      child.once('error', fail);
      child.once('close', done);
    });
    clearTimeout(limit);
    if (isLate) throw new Error(`${args.join(' ')} did not end within ${LIMIT_MS} ms\n${stdout}${stderr}`);
    return { code, stdout, stderr };
  }

  /** Runs a CLI command with `--json` and reads what it prints. */
  async json(
    args: readonly string[],
    options: CommandOptions = {},
  ): Promise<{ readonly code: number | null; readonly value: unknown }> {
    const { code, stdout, stderr } = await this.run([...args, '--json'], options);
    try {
      return { code, value: JSON.parse(stdout) };
    } catch {
      throw new Error(`${args.join(' ')} --json ended with ${code} and printed no JSON: ${stdout}\n${stderr}`);
    }
  }

  /** Starts a server and waits until it is controllable; see Server for what comes then. */
  async start(args: readonly string[], options: ServerOptions = {}): Promise<Server> {
    const server = new Server(this, args, options);
    this.servers.push(server);
    await server.reachable();
    return server;
  }

  /** Starts a server and waits until all its workers are ready. */
  async ready(args: readonly string[], options: ServerOptions = {}): Promise<Server> {
    const server = await this.start(args, options);
    await server.settled();
    return server;
  }

  private async dispose(): Promise<void> {
    const problems: unknown[] = [];
    try {
      for (const server of this.servers) await server.dispose().catch((error: unknown) => problems.push(error));
      await allGone(this.mark).catch((error: unknown) => problems.push(error));
    } finally {
      killMarked(this.mark);
      rmSync(this.base, { recursive: true, force: true, maxRetries: 5 });
    }
    if (problems.length > 0) throw new AggregateError(problems, problems.map(String).join('\n'));
  }
}
