// Packages the extension as dist/graceful-reload.vsix and checks what is in it: exactly what users need, and small.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { entries } from './build.mjs';
import { onNode24 } from './lib/install.mjs';
import { bin, cleanEnv, root, run } from './lib/run.mjs';

export const vsix = join(root, 'dist', 'graceful-reload.vsix');
const limit = 1024 * 1024;

const required = [
  'extension.vsixmanifest',
  '[Content_Types].xml',
  'extension/package.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/LICENSE.txt',
  'extension/dist/index.d.ts',
  ...Object.keys(entries).map((name) => `extension/dist/${name}.js`),
];
const allowed = [
  /^extension\/media\/(walkthrough\/)?[\w-]+\.(png|svg|css|js)$/,
  /^extension\/package\.nls(\.[\w-]+)?\.json$/,
  /^extension\/l10n\/bundle\.l10n\.[\w-]+\.json$/,
];

/**
 * Builds for production and packages (vsce runs the script vscode:prepublish, which is the build).
 * Resolves with what is wrong with the package.
 */
export async function buildPackage() {
  const options = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'];
  await run(bin('vsce'), ['package', ...options, '--out', vsix], { env: cleanEnv() });
  return check().map((problem) => `${vsix}: ${problem}`);
}

/** Of an extension that stands for somebody in a test. @param {string} folder @param {string} out */
export async function packageExtension(folder, out) {
  const options = ['--no-dependencies', '--allow-missing-repository', '--skip-license'];
  await run(bin('vsce'), ['package', ...options, '--out', out], { cwd: folder, env: cleanEnv() });
}

function check() {
  const files = filesIn(vsix);
  const { size } = statSync(vsix);
  return [
    ...required.filter((file) => !files.includes(file)).map((file) => `missing: ${file}`),
    ...files
      .filter((file) => !required.includes(file) && !allowed.some((pattern) => pattern.test(file)))
      .map((file) => `does not belong there: ${file}`),
    ...(size < limit ? [] : [`it has ${size} bytes; the limit is ${limit}`]),
  ];
}

/** Names in a zip file, from its central directory. */
function filesIn(zip) {
  const bytes = readFileSync(zip);
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const names = [];
  for (let at = bytes.readUInt32LE(end + 16), left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    names.push(bytes.toString('utf8', at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names.filter((name) => !name.endsWith('/'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await onNode24();
    const problems = await buildPackage();
    if (problems.length > 0) throw new Error(problems.join('\n'));
    console.log(`${vsix} (${Math.round(statSync(vsix).size / 1024)} KB)`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
