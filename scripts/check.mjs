// Everything that can be found out without running the program: types, lint (with the import boundaries), format, dead
// code, manifest and documents, the build. One line for each step, the whole output of those that fail.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onNode24 } from './lib/install.mjs';
import { bin, capture, root } from './lib/run.mjs';

/** Only what a clone of this repository has may be named in it. */
async function strayPaths() {
  const outside = ['..', 'shared'].join('/');
  const { output } = await capture('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  const hits = output.split('\0').filter((file) => {
    const path = join(root, file);
    return file !== '' && existsSync(path) && readFileSync(path, 'latin1').includes(outside);
  });
  return { code: hits.length, output: hits.map((file) => `${file} names ${outside}\n`).join('') };
}

const steps = {
  types: () => capture(bin('tsc'), ['--noEmit']),
  lint: () => capture(bin('eslint'), ['.', '--max-warnings', '0']),
  format: () => capture(bin('prettier'), ['--check', '--log-level', 'warn', '.']),
  'dead code': () => capture(bin('knip'), ['--no-progress']),
  manifest: () => capture(process.execPath, [join('scripts', 'check-manifest.mjs')]),
  paths: strayPaths,
  build: () => capture(process.execPath, [join('scripts', 'build.mjs')]),
};

await onNode24();
const queue = Object.entries(steps);
let failed = 0;
// Two at a time: more only wait for each other on a small machine.
await Promise.all(
  [1, 2].map(async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, step] = next;
      const started = performance.now();
      const { code, output } = await step();
      if (code !== 0) failed++;
      console.log(`${code === 0 ? '✔' : '✖'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
      if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '    '));
    }
  }),
);
console.log(failed === 0 ? 'all checks passed' : `${failed} of ${Object.keys(steps).length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
