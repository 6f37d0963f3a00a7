// `npm start`: builds, and opens the example in a real VS Code with this extension in it, until Ctrl+C.
//
// A desktop `code` is used where there is one, otherwise the VS Code server of the test bed, in a browser of your choice.
// Everything runs in a folder of its own that is deleted afterwards: your settings and extensions are left alone.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { build } from './build.mjs';
import { startGuarded } from './lib/guarded.mjs';
import { onNode24 } from './lib/install.mjs';
import { capture, cleanEnv, root } from './lib/run.mjs';
import { quietSettings, startVsCodeServer } from './lib/vscodeServer.mjs';

const example = join(root, 'examples', 'shop');

async function desktopCode() {
  const hasDisplay = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!hasDisplay) return false;
  return await capture('code', ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );
}

async function startDesktop() {
  const home = mkdtempSync(join(tmpdir(), 'graceful-reload-code-'));
  mkdirSync(join(home, 'User'));
  writeFileSync(join(home, 'User', 'settings.json'), JSON.stringify(quietSettings));
  const env = cleanEnv({ PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) });
  const options = ['--new-window', '--wait', '--disable-workspace-trust', '--user-data-dir', home];
  const { child, stop } = startGuarded(
    'code',
    [...options, '--extensions-dir', join(home, 'extensions'), `--extensionDevelopmentPath=${root}`, example],
    { env, stdio: 'ignore', removeAfterwards: home },
  );
  return { url: `file://${example}`, exited: new Promise((resolve) => child.once('exit', resolve)), stop };
}

async function startInBrowser() {
  const server = await startVsCodeServer({ development: root });
  return { url: server.url(example), exited: server.exited, stop: server.stop };
}

await onNode24();
try {
  await build();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

let stopRequested;
const asked = new Promise((resolve) => (stopRequested = resolve));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stopRequested());
// npm, or the script that started this one, may be killed without a word.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stopRequested(), 1000).unref();

const workbench = (await desktopCode()) ? await startDesktop() : await startInBrowser();
console.log(`Workbench ready: ${workbench.url}\nCtrl+C ends it.`);
const code = await Promise.race([asked.then(() => 0), workbench.exited.then(() => 1)]);
await workbench.stop();
process.exit(code);
