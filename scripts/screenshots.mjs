// `npm run screenshots [-- readme] [-- light|dark|hc|hcLight ...]`: makes the pictures of README and walkthrough in media/, from the
// packaged extension in a real VS Code. Look at them afterwards: no test can say whether a picture is good.
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { clearInterval } from 'node:timers';
import { onNode24 } from './lib/install.mjs';
import { root, run } from './lib/run.mjs';
import { ensureApt } from './testbed.mjs';

const media = join(root, 'media');
/** By the names that a walkthrough's `media` gives them. */
const themes = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  hc: 'Default High Contrast',
  hcLight: 'Default High Contrast Light',
};
/** All of them ship: the package has to stay under 1 MB. */
const limits = { readme: 80 * 1024, walkthrough: 20 * 1024 };
const size = { width: 1280, height: 800 };
/** A walkthrough shows its pictures beside its text: the view alone, readable. */
const corner = { x: 0, y: 34, width: 500, height: 290 };

await onNode24();
const { buildPackage } = await import('./package.mjs');
const { Workbench } = await import('../test/workbench/harness/workbench.ts');
const { freePort, get, settled, shopOn } = await import('../test/workbench/harness/shop.ts');
const { waitFor } = await import('../test/workbench/harness/waitFor.ts');

const asked = process.argv.slice(2);
const unknown = asked.find((name) => name !== 'readme' && !(name in themes));
if (unknown) throw new Error(`there is no ${unknown}; there are readme, ${Object.keys(themes).join(', ')}`);
const isAsked = (name) => asked.length === 0 || asked.includes(name);

await buildPackage();
// The port that a reader expects, if nothing else has it.
const port = await get(3000, '/').then(
  () => freePort(),
  () => 3000,
);
const made = [];
if (isAsked('readme')) await withWorkbench(themes.light, readme);
for (const [name, theme] of Object.entries(themes))
  if (isAsked(name)) await withWorkbench(theme, (workbench) => walkthrough(workbench, name));

// The screens have few colours: with a palette the pictures take a third of the space.
await ensureApt(['pngquant']);
for (const { file } of made)
  await run('pngquant', ['--force', '--skip-if-larger', '--strip', '--quality', '80-98', '--output', file, file]);
for (const { file, limit } of made) {
  const { size: bytes } = statSync(file);
  console.log(`${file} (${Math.round(bytes / 1024)} KB)`);
  if (bytes <= limit) continue;
  console.error(`it has more than ${limit} bytes`);
  process.exitCode = 1;
}

async function withWorkbench(theme, make) {
  const workbench = await Workbench.open(
    shopOn(port, {
      prepare: slowDown,
      settings: {
        'breadcrumbs.enabled': false,
        'editor.stickyScroll.enabled': false,
        'remote.autoForwardPorts': false,
        'workbench.colorTheme': theme,
      },
    }),
  );
  try {
    const { page, sidebar } = workbench.window;
    await page.setViewportSize(size);
    await sidebar.open();
    // Wide enough for whole lines.
    await page.mouse.move(350, 300);
    await page.mouse.down();
    await page.mouse.move(480, 300, { steps: 4 });
    await page.mouse.up();
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
    // The view shows progress while the extension comes up.
    await waitFor(async () => !(await page.locator('.part.sidebar .monaco-progress-container.active').count()), {
      what: 'the view to be calm',
    });
    await make(workbench);
    await sidebar.clickTitle('Stop Server');
    await sidebar.waitForWelcome(() => true, 'the end of the server');
  } finally {
    await workbench.dispose();
  }
}

/** Replacements whose start can be seen on a busy machine, and requests that take longer than that. */
function slowDown(folder) {
  const wait = "if (process.env.GRACEFUL_RELOAD_GENERATION !== '1') await new Promise((go) => setTimeout(go, 3000));";
  appendFileSync(join(folder, 'src/views/layout.ts'), `\n${wait}\n`);
  const web = join(folder, 'src/web.ts');
  writeFileSync(web, readFileSync(web, 'utf8').replace('3000);', '8000);'));
}

/** @param {string} file @param {object} options of Playwright's screenshot */
async function take(page, file, limit, options = {}) {
  mkdirSync(join(file, '..'), { recursive: true });
  // Nothing is hovered, and no cursor blinks.
  await page.mouse.move(1150, 290);
  await page.screenshot({ path: file, caret: 'hide', animations: 'disabled', ...options });
  made.push({ file, limit });
}

async function start({ window }) {
  await window.sidebar.clickWelcome('Start Server');
  await settled(window, 1, { timeout: 90_000 });
  await window.statusBar.waitFor((item) => item.text.startsWith('4/4'), 'four workers');
  await window.terminal.waitForText(/ready in/);
}

/** Saves while slow requests keep every worker busy: those that are replaced first finish theirs while others still start. */
async function whileReloading({ window }, act) {
  const requests = [];
  const ask = () => {
    const answer = get(port, '/slow');
    // A failure is told below; when something else fails first, the server may be gone before its answers.
    answer.catch(() => undefined);
    requests.push(answer);
  };
  const asking = setInterval(ask, 100);
  await window.editor.save();
  await window.sidebar.waitForRows(
    (rows) =>
      rows.some(({ label, description }) => label === '2' && description.startsWith('starting')) &&
      rows.some(({ label, description }) => label === '1' && /^draining \d+ request/.test(description)),
    'a worker that starts and one that drains',
  );
  await act();
  clearInterval(asking);
  await Promise.all(requests);
}

async function readme(workbench) {
  const { page, sidebar, editor } = workbench.window;
  await start(workbench);
  await sidebar.collapse('ticker');
  await editor.change('src/catalog.ts', (text) => text.replace('cents: 1899', 'cents: 1499'));
  await whileReloading(workbench, () => take(page, join(media, 'workbench.png'), limits.readme));
}

async function walkthrough(workbench, theme) {
  const { page, sidebar, editor, history, notifications, palette } = workbench.window;
  const picture = (step) =>
    take(page, join(media, 'walkthrough', `${step}-${theme}.png`), limits.walkthrough, { clip: corner });
  await picture('start');
  await start(workbench);
  await sidebar.collapse('ticker');
  await editor.change('src/catalog.ts', (text) => text.replace('cents: 1899', 'cents: 1499'));
  await whileReloading(workbench, () => picture('save'));
  await settled(workbench.window, 2, { timeout: 90_000 });
  await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
  await sidebar.waitForRow(/^Reloads .* rejected/);
  await editor.edit('src/catalog.ts', (text) => text.replace('return products products;', 'return products;'));
  await settled(workbench.window, 4, { timeout: 90_000 });
  await editor.edit('server.ts', (text) => text.replace('workers }', 'workers, drainTimeout: 5000 }'));
  await sidebar.waitForRow(/^server\.ts changed/);
  await notifications.clearAll();
  await picture('restart');
  await palette.run('View: Close All Editors');
  await palette.run('Graceful Reload: Show Reload History');
  await waitFor(async () => (await history.title()) === 'shop', { what: 'the page' });
  await history.choose('Everything');
  await take(page, join(media, 'walkthrough', `history-${theme}.png`), limits.walkthrough, {
    clip: { x: 480, y: 60, width: 800, height: 430 },
  });
  await palette.run('View: Close All Editors');
  await palette.run('Graceful Reload: Add to tasks.json');
  await waitFor(async () => (await editor.active()) === 'tasks.json' && !(await palette.isOpen()), {
    what: 'tasks.json',
  });
  // The task is selected; without that it reads better.
  await page.keyboard.press('ArrowLeft');
  await take(page, join(media, 'walkthrough', `tasks-${theme}.png`), limits.walkthrough, {
    clip: { x: 480, y: 34, width: 800, height: 330 },
  });
  console.log(`${basename(media)}: pictures in ${themes[theme]}`);
}
