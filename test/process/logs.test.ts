/** `graceful-reload logs`: what the workers wrote, also those that are gone, and what they write while one reads along. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import type { LogLine } from '../../src/protocol/logs.ts';
import { cli, node } from './harness/paths.ts';
import { rssMb } from './harness/processes.ts';
import { Project } from './harness/project.ts';

interface Follower {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly lines: Interface;
}

function follow(project: Project, args: readonly string[]): Follower {
  const child = spawn(node, [cli, 'logs', '--follow', ...args], {
    cwd: project.folder,
    env: project.environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout }) };
}

test('what workers wrote, by slot, over their generations, also what a crashed one said last', async (t) => {
  const project = Project.of('flood', t);
  const env = { SECRET: 'xyzzy-4711' };
  const server = await project.ready(['--workers', '2', 'app.cjs'], { env });
  const before = server.pids();
  await server.ask('/one');
  await server.ask('/crash').catch(() => undefined);
  await server.snapshotWith(
    (snapshot) => server.ready('main', snapshot).length === 2 && server.pids('main', snapshot).join() !== before.join(),
    'another worker in the place of the one that crashed',
  );
  await server.reloadBy(() => project.run(['reload']));
  await server.ask('/two');
  await server.line(/asked \/two/);

  const { code, stdout, stderr } = await project.run(['logs']);
  assert.deepEqual([code, stderr], [0, '']);
  const shown = stdout.trimEnd().split('\n');
  assert.match(shown[0] ?? '', /^main#[12] \| asked \/one$/);
  assert.match(shown[1] ?? '', /^main#[12] \| last words of \d+$/);
  assert.match(shown[2] ?? '', /^main#[12] \| asked \/two$/);
  assert.equal(shown.length, 3);

  const json = (await project.run(['logs', '--json', '--lines', '2'])).stdout.trimEnd().split('\n');
  const [words, two] = json.map((line) => JSON.parse(line) as LogLine);
  assert.deepEqual(
    [words?.text, words?.stream, words?.generation, two?.stream, two?.generation],
    [`last words of ${words?.pid}`, 'stderr', 1, 'stdout', 2],
  );
  assert.ok(before.includes(words?.pid ?? 0) && server.pids().includes(two?.pid ?? 0));
  assert.ok(!Number.isNaN(Date.parse(two?.time ?? '')));
  const slot = String(words?.slot);
  for (const line of (await project.run(['logs', '--group', 'main', '--slot', slot])).stdout.trimEnd().split('\n'))
    assert.ok(line.startsWith(`main#${slot} | `), line);
  assert.ok(!JSON.stringify([stdout, json]).includes(env.SECRET));
});

test('a group or slot that there is not, and wrong numbers', async (t) => {
  const project = Project.of('groups', t);
  await project.ready(['server.js']);
  for (const [args, expected, pattern] of [
    [['--group', 'nobody'], 2, /There is no group "nobody"\. Groups: web, /],
    [['--slot', '1'], 2, /--slot needs --group, since there are several: web, /],
    [['--group', 'web', '--slot', '99'], 2, /There is no slot 99: web has \d/],
    [['--build'], 2, /Nothing builds beside this server/],
    [['--build', '--group', 'web'], 2, /leave out --group and --slot/],
    [['--lines', 'many'], 2, /--lines is a whole number from 0 to \d+, not "many"/],
    [['--folow'], 2, /Unknown option --folow\. Did you mean --follow\?/],
    [['web'], 2, /Unexpected argument "web"/],
  ] as const) {
    const { code, stdout, stderr } = await project.run(['logs', ...args]);
    assert.deepEqual([code, stdout], [expected, ''], stderr);
    assert.match(stderr, pattern);
  }
});

test('--follow: the last lines at once, then each as it comes, over a reload, until the server ends', async (t) => {
  const project = Project.of('flood', t);
  const server = await project.ready(['app.cjs']);
  for (const path of ['/a', '/b']) await server.ask(path);
  const { child, lines } = follow(project, ['--lines', '1', '--json']);
  const exit = once(child, 'exit');
  const seen: string[] = [];
  for await (const line of lines) {
    const { text, generation } = JSON.parse(line) as LogLine;
    seen.push(`${text} g${generation}`);
    if (seen.length === 1) await server.ask('/c');
    if (seen.length === 2) {
      await server.reloadBy(() => project.run(['reload']));
      await server.ask('/d');
    }
    if (seen.length === 3) await project.run(['stop']);
  }
  assert.deepEqual(seen, ['asked /b g1', 'asked /c g1', 'asked /d g2']);
  assert.deepEqual(await exit, [0, null]);
  assert.equal(await server.exit, 0);
});

test('one who reads along slowly misses lines, which is told, and costs the master nothing', async (t) => {
  const project = Project.of('flood', t);
  const server = await project.ready(['--spares', '0', 'app.cjs']);
  const { child, lines } = follow(project, ['--lines', '0']);
  const seen: string[] = [];
  lines.on('line', (line) => seen.push(line));
  // It reads along once it has seen a line that was written after it came.
  for (let number = 0; seen.length === 0; number++) await server.ask(`/there/${number}`);
  child.stdout.pause();
  const rss = rssMb(server.pid);
  await server.ask('/flood?lines=180000&bytes=1000');
  await server.until(() => server.lines.at(-1)?.endsWith('flood over'), 'the end of the flood');
  assert.ok(rssMb(server.pid) < rss + 120, `${rssMb(server.pid)} MB, before ${rss} MB`);
  const over = new Promise<void>((done) =>
    lines.on('line', (line) => {
      if (line.endsWith('flood over')) done();
    }),
  );
  child.stdout.resume();
  await over;
  child.kill();
  const gaps = seen.filter((line) => /^main#1 \| … \d+ lines skipped$/.test(line));
  assert.ok(gaps.length > 0, 'it was too slow');
  const missed = gaps.reduce((sum, line) => sum + Number(/\d+ lines/.exec(line)?.[0].split(' ')[0]), 0);
  const got = seen.filter((line) => line.startsWith('main#1 | line '));
  assert.equal(missed + got.length, 180_000);
  const numbers = got.map((line) => Number(/line (\d+)/.exec(line)?.[1]));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});
