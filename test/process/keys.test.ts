/** Keys in the terminal of a server: on a real pseudo-terminal, which util-linux's `script` gives. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { Changes, poll } from './harness/events.ts';
import { cli, node } from './harness/paths.ts';
import { stateOf } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { ask } from './harness/requests.ts';

class Pty {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  private readonly changes = new Changes();
  private text = '';

  constructor(project: Project, command: string, env: NodeJS.ProcessEnv = {}) {
    // A shell in between, which `script` takes from SHELL, would end as interrupted whatever the command makes of Ctrl+C.
    this.child = spawn('script', ['-qefc', `exec ${command}`, '/dev/null'], {
      cwd: project.folder,
      env: project.environment({ NO_COLOR: '1', ...env }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text.replaceAll('\r', '');
      this.changes.tell();
    });
    this.exit = new Promise((done) => this.child.once('close', done));
  }

  /** All that was written so far. */
  get all(): string {
    return this.text;
  }

  type(line: string): void {
    this.press(`${line}\n`);
  }

  press(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** The first line of ours that matches, in what was written from `from` on. */
  line(pattern: RegExp, from = 0): Promise<string> {
    const find = (): string | undefined =>
      this.text
        .slice(from)
        .split('\n')
        .find((line) => line.startsWith('graceful-reload  ') && pattern.test(line));
    return this.changes.until(find, `a line like ${pattern}`, () => this.text);
  }

  shows(pattern: RegExp): Promise<unknown> {
    return this.changes.until(
      () => pattern.test(this.text),
      String(pattern),
      () => this.text,
    );
  }

  /** Types a line and waits for what it says. */
  answer(line: string, pattern: RegExp): Promise<string> {
    const from = this.text.length;
    this.type(line);
    return this.line(pattern, from);
  }
}

function pty(t: TestContext, command: string): { project: Project; terminal: Pty } {
  const project = Project.of('cjs', t);
  project.write('browser.sh', `#!/bin/sh\necho "$1" > opened\n`);
  chmodSync(project.path('browser.sh'), 0o755);
  return { project, terminal: new Pty(project, command, { BROWSER: project.path('browser.sh') }) };
}

test('each key with Enter does what the help says', async (t) => {
  const { project, terminal } = pty(t, `"${node}" "${cli}" start --workers 2 app.cjs`);
  assert.match(await terminal.line(/ready in/), /ready in \d+ ms {2}h \+ Enter: keys$/);
  await terminal.answer('h', /r \(or rs\) reload .* R restart .* q quit/);
  await terminal.answer('r', /g2 {2}main 2\/2 done in/);
  await terminal.answer('rs', /g3 {2}main 2\/2 done in/);
  await terminal.answer('R', /→ restarting/);
  await terminal.line(/g4 {2}main 2\/2 done in/);
  for (const key of ['l', 's']) await terminal.answer(key, /#2 {2}ready .* g4/);
  await terminal.answer('o', /opened http:\/\/localhost:\d+$/);
  const isOpened = (): boolean =>
    existsSync(project.path('opened')) && /^http:\/\/localhost:\d+\n$/.test(project.read('opened'));
  assert.ok(await poll(isOpened, 'the browser'));
  await terminal.answer('what?', /"what\?" is no key/);
  terminal.type('q');
  assert.equal(await terminal.exit, 0, terminal.all);
});

test('in the background it leaves the keys to the shell', async (t) => {
  const { project, terminal } = pty(t, `bash -mc '"${node}" "${cli}" start app.cjs & echo $! > pid; wait'`);
  await terminal.line(/ready in/);
  const pid = Number(readFileSync(project.path('pid'), 'utf8'));
  terminal.type('R');
  assert.equal((await project.run(['reload'])).code, 0, 'it runs on');
  assert.notEqual(stateOf(pid), 'T');
  assert.equal((await project.json(['status'])).code, 0);
  await project.run(['stop']);
  assert.equal(await terminal.exit, 0, terminal.all);
});

test('one Ctrl+C under npm run arrives twice where sh is bash, and waits for requests', async (t) => {
  const { project, terminal } = pty(t, 'npm --script-shell bash run dev');
  const scripts = { dev: `"${node}" "${cli}" start app.cjs` };
  project.write('package.json', JSON.stringify({ name: 'cjs-app', scripts }));
  const port = Number(/localhost:(\d+)/.exec(await terminal.line(/ready in/))?.[1]);
  const slow = ask(port, '/slow?wait=500');
  await terminal.shows(/slow request began/);
  terminal.press('\x03');
  assert.equal((await slow).status, 200);
  assert.equal(await terminal.exit, 0, terminal.all);
});
