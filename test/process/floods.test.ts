/** A worker that writes without end: it waits for whoever reads, as under plain Node, and the master does not grow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { rssMb } from './harness/processes.ts';
import { Project } from './harness/project.ts';

/** The most memory that the process had in RAM since `forgetPeak`, in MB. */
const peakMb = (pid: number): number =>
  Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024);
const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

for (const workers of [1, 4])
  test(`${workers}: a flood gets through whole and in order, at the pace of whoever reads`, async (t) => {
    const project = Project.of('flood', t);
    const server = await project.ready(['--spares', '0', '--workers', String(workers), 'app.cjs']);
    const out = server.child.stdout!;
    const rss = rssMb(server.pid);
    forgetPeak(server.pid);
    const lines = 200_000 / workers;
    const prefix = workers === 1 ? '' : 'main#\\d+ \\| ';
    const pattern = new RegExp(`^(${prefix})(?:line (\\d+) x{2000}|(flood over))$`);
    const next = new Map<string, number>();
    let over = 0;
    /** Looks at what has come, and forgets it. */
    const take = (): void => {
      for (const line of server.lines.splice(0)) {
        const [, by = '', number, end] = pattern.exec(line) ?? [];
        if (end !== undefined) over += 1;
        if (number === undefined) continue;
        assert.equal(Number(number), next.get(by) ?? 0, line.slice(0, 100));
        next.set(by, Number(number) + 1);
      }
    };
    for (let begun = 0; begun < workers;) {
      const { body } = await server.ask(`/flood?lines=${lines}&bytes=2000`);
      if (body['isFlooding'] === false) begun += 1;
    }
    // In the middle of it nobody reads for a while: the workers stop writing, but serve on.
    await server.until(() => (take(), next.size === workers), 'some lines of each worker');
    out.pause();
    const written = async (): Promise<number> => Number((await server.ask('/written')).body['written']);
    if (workers === 1) {
      let before = -1;
      for (let now = await written(); now !== before; now = await written()) before = now;
      assert.ok(before < lines, `${before} lines were written although nobody read`);
    }
    assert.equal((await server.ask('/')).status, 200);
    // The master is not stopped either.
    assert.equal((await project.json(['status'])).code, 0);
    out.resume();
    await server.until(() => (take(), over === workers), 'the end of the flood');
    assert.deepEqual(
      [...next.values()],
      Array.from({ length: workers }, () => lines),
    );
    // 400 MB have passed; what is left of them waits for the garbage collector, as in a plain pipe of Node's.
    t.diagnostic(`${rss} MB before, ${peakMb(server.pid)} MB at most`);
    assert.ok(peakMb(server.pid) < rss + 150, `${peakMb(server.pid)} MB, before ${rss} MB`);
  });

test('nobody reads any more: serving, reloading and stopping go on', async (t) => {
  const project = Project.of('flood', t);
  const server = await project.ready(['app.cjs']);
  const rss = rssMb(server.pid);
  for (const stream of [server.child.stdout, server.child.stderr]) stream!.destroy();
  for (let number = 0; number < 50; number++) assert.equal((await server.ask(`/${number}`)).status, 200);
  await server.ask('/flood?lines=20000&bytes=2000');
  const isOver = async (): Promise<boolean> =>
    (await project.run(['logs', '--lines', '200'])).stdout.includes('flood over');
  while (!(await isOver())) assert.equal((await server.ask('/')).status, 200);
  const { result } = await server.reloadBy(() => project.run(['reload']));
  assert.equal(result, 'done');
  assert.equal((await server.ask('/after')).status, 200);
  assert.ok(rssMb(server.pid) < rss + 60, `${rssMb(server.pid)} MB, before ${rss} MB`);
  assert.equal((await project.json(['stop'])).code, 0);
  assert.equal(await server.exit, 0);
});

test('who floods before its name is known waits or is taken for the program, but is never stuck', async (t) => {
  const project = Project.of('cjs', t);
  const flood = (name: string): string =>
    `for (let n = 0; n < 2000; n++) console.log('${name} ' + n + 'x'.repeat(1000));\n`;
  project.write('app.cjs', `${flood('boot')}require('node:http').createServer((_, r) => r.end('ok')).listen(0);\n`);
  // A preload that writes much is run by spares before any worker takes them.
  project.write('preload.cjs', flood('preload'));
  const server = await project.ready(['--require', './preload.cjs', 'app.cjs']);
  await server.reloadBy(() => project.run(['reload']));
  assert.equal(server.lastReload?.result, 'done');
  await server.until(() => server.lines.filter((line) => line.includes('boot 1999x')).length === 2, 'both generations');
  assert.equal(server.lines.filter((line) => line.includes('preload 1999x')).length, 2);
});

test('what a worker wrote before it leaves comes through, although nobody reads at that moment', async (t) => {
  const project = Project.of('cjs', t);
  const lines = 4000;
  const app = `require('node:http').createServer((request, response) => {
  if (request.url === '/flood') for (let n = 0; n < ${lines}; n++) console.log('word ' + n + 'x'.repeat(1000));
  response.end('{}');
}).listen(0);\n`;
  project.write('app.cjs', app);
  const server = await project.ready(['app.cjs']);
  server.child.stdout!.pause();
  await server.ask('/flood');
  project.write('app.cjs', `${app}// again\n`);
  await server.snapshotWith(
    ({ groups }) => groups[0]!.workers.some(({ state, generation }) => state === 'ready' && generation === 2),
    'the next generation',
  );
  server.child.stdout!.resume();
  await server.until(() => server.lines.some((line) => line.startsWith(`word ${lines - 1}x`)), 'the last word');
  assert.equal(server.lines.filter((line) => line.startsWith('word ')).length, lines);
});

test('a stop ends although nobody reads what was written', async (t) => {
  const project = Project.of('flood', t);
  const server = await project.ready(['app.cjs']);
  server.child.stdout!.pause();
  await server.ask('/flood?lines=100000&bytes=1000');
  const exit = once(server.child, 'exit');
  assert.equal((await project.json(['stop'])).code, 0);
  assert.deepEqual(await exit, [0, null]);
  server.child.stdout!.resume();
});
