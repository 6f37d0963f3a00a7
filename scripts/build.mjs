// Bundles the sources into dist/: one file for each process that runs our code.
//
//   node scripts/build.mjs [--production] [--watch]
//
// extension.js runs in the editor's extension host (Node 20 or newer), the others on the Node of the user's server.
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureDependencies } from './lib/install.mjs';
import { root, run } from './lib/run.mjs';

const dist = join(root, 'dist');

export const entries = {
  extension: 'src/extension/extension.ts',
  master: 'src/master/main.ts',
  worker: 'src/worker/preload.ts',
  bootstrap: 'src/bootstrap/host.ts',
  cli: 'src/cli/main.ts',
  index: 'src/index.ts',
};

function optionsFor(name, production) {
  return {
    absWorkingDir: root,
    entryPoints: [entries[name]],
    outfile: join('dist', `${name}.js`),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    // Its `main` requires its parts in a way that a bundler does not see.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    sourcemap: production ? false : 'linked',
    minify: production,
    keepNames: production,
    // The sources are ES modules so that Node runs them as they are; the bundles are CommonJS.
    define: {
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': '__fileUrl',
    },
    banner: {
      js: [
        ...(name === 'cli' ? ['#!/usr/bin/env node'] : []),
        // A bundle's own directive would stand behind this line, and count for nothing there.
        "'use strict';",
        "const __fileUrl = require('node:url').pathToFileURL(__filename).href;",
      ].join('\n'),
    },
    logLevel: 'info',
  };
}

/** Builds everything once; throws when anything fails. */
export async function build({ production = false } = {}) {
  const esbuild = await import('esbuild');
  await mkdir(dist, { recursive: true });
  await Promise.all([
    declarations(),
    ...Object.keys(entries).map((name) => esbuild.build({ ...optionsFor(name, production), logLevel: 'warning' })),
  ]);
  await finish(production);
}

async function watch(production) {
  const esbuild = await import('esbuild');
  await mkdir(dist, { recursive: true });
  let running = 0;
  // These two lines are what the background problem matcher in .vscode/tasks.json waits for.
  const report = {
    name: 'report',
    setup(build) {
      build.onStart(() => {
        if (running++ === 0) console.log('[watch] build started');
      });
      build.onEnd(async () => {
        if (--running > 0) return;
        await finish(production).catch(() => undefined);
        console.log('[watch] build finished');
      });
    },
  };
  for (const name of Object.keys(entries)) {
    const context = await esbuild.context({ ...optionsFor(name, production), logLevel: 'warning', plugins: [report] });
    await context.watch();
  }
  await declarations();
}

/** dist/index.d.ts. src/index.ts stands on its own, so what tsc writes for it is the whole declaration. */
async function declarations() {
  await run(process.execPath, [
    ...[join(root, 'node_modules/typescript/bin/tsc'), entries.index, '--outDir', 'dist', '--declaration'],
    ...['--emitDeclarationOnly', '--strict', '--target', 'es2023', '--module', 'nodenext'],
  ]);
}

/** Nothing that an earlier build left may look like a part of this one. */
async function finish(production) {
  const expected = new Set(
    Object.keys(entries).flatMap((name) => [`${name}.js`, ...(production ? [] : [`${name}.js.map`])]),
  );
  for (const file of await readdir(dist)) {
    if (/\.(js|map|ts)$/.test(file) && file !== 'index.d.ts' && !expected.has(file)) await rm(join(dist, file));
  }
  await chmod(join(dist, 'cli.js'), 0o755);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const production = process.argv.includes('--production');
  try {
    await ensureDependencies();
    await (process.argv.includes('--watch') ? watch(production) : build({ production }));
  } catch (error) {
    // esbuild has printed its own errors already.
    if (!error.errors) console.error(error.message);
    process.exitCode = 1;
  }
}
