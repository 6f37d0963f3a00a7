/** What the machine refuses: the server goes on with less, says once what is missing where and what to do, and serves. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixtures } from './harness/paths.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** Lines of ours, not of the workers, that tell of it. */
const told = ({ lines }: Server, pattern: RegExp): string[] =>
  lines.filter((line) => line.startsWith('graceful-reload') && pattern.test(line));

/** A user namespace of its own has limits of its own: those of the machine stay as they are. */
const withLimit = (name: string, number: number): string[] => [
  ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
  `echo ${number} > /proc/sys/user/${name} && exec "$0" "$@"`,
];
const mayLimit = (): boolean => {
  const [file, ...args] = withLimit('max_inotify_watches', 1);
  return spawnSync(file!, [...args, 'true']).status === 0;
};

for (const { name, number, code, remedy } of [
  { name: 'max_inotify_watches', number: 2, code: 'ENOSPC', remedy: 'fs.inotify.max_user_watches=' },
  { name: 'max_inotify_instances', number: 0, code: 'EMFILE', remedy: 'fs.inotify.max_user_instances=' },
])
  test(`no more watches (${name} ${number}): saves are found by looking, and one line says so`, async (t) => {
    if (!mayLimit()) return t.skip('no user namespaces here');
    const project = Project.of('cjs', t);
    const server = await project.ready(['app.cjs'], { under: withLimit(name, number) });
    for (const word of ['two', 'three']) {
      const { result } = await server.reloadBy(() => project.write('message.cjs', `exports.message = '${word}';\n`));
      assert.equal(result, 'done');
      assert.equal((await server.ask()).body['message'], word);
    }
    const [line = '', ...more] = told(server, /watch/);
    assert.deepEqual(more, []);
    assert.match(line, new RegExp(`no watches left \\(${code}\\), files are looked at every \\d+ ms instead`));
    assert.ok(line.includes(remedy), line);
  });

test('watches that die are replaced by looks, and each folder is told of once', async (t) => {
  const project = Project.of('cjs', t);
  const preload = join(fixtures, 'faults', 'dyingWatches.cjs');
  const server = await project.ready(['app.cjs'], { masterFlags: ['--require', preload] });
  const { result } = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.equal(result, 'done');
  server.child.kill('SIGUSR2');
  await server.line(/file watch of .*project: EIO/);
  assert.equal(
    (await server.reloadBy(() => project.write('message.cjs', "exports.message = 'three';\n"))).result,
    'done',
  );
  assert.equal((await server.ask()).body['message'], 'three');
  assert.equal(told(server, /file watch/).length, 1, server.facts());
});
