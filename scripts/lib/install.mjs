// Makes a fresh clone ready: npm dependencies as the lock file says, and Node 24 for the scripts that need it.
// Runs on whatever Node the machine has (20 or newer) and imports nothing from node_modules.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { bin, cleanEnv, root, run } from './run.mjs';

const marker = join(root, 'node_modules', '.graceful-reload-install');

const readIf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

/** Installs the dependencies when they are missing or not those of package-lock.json. Quiet unless it fails. */
export async function ensureDependencies() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (readIf(marker) === wanted) return;
  if (sameTree()) {
    // Installed by hand with npm: nothing to do but to remember it.
    writeFileSync(marker, wanted);
    return;
  }
  console.error('installing dependencies');
  await run('npm', ['ci', '--no-audit', '--no-fund'], { env: cleanEnv() });
  writeFileSync(marker, wanted);
}

/** Does node_modules hold exactly what the lock file says? npm keeps its own copy of the lock in there. */
function sameTree() {
  const installed = readIf(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(installed).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

/**
 * Installs the dependencies, then goes on under Node 24 (from the dependencies): returns when this process already is
 * one, otherwise runs the same script there and never returns.
 */
export async function onNode24() {
  await ensureDependencies();
  // Everything that the script starts finds this Node and the tools of the project first.
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  if (process.version.startsWith('v24.')) {
    process.env.PATH = path;
    return;
  }
  const node = process.platform === 'win32' ? join(root, 'node_modules', 'node', 'bin', 'node.exe') : bin('node');
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, PATH: path } });
  // This process stays until the child has cleaned up. Ctrl+C in a terminal reaches both; a second one does no harm.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  await new Promise((_resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
  });
}
