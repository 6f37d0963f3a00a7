// `npm run screenshots`: makes the picture of the README, media/workbench.png, from the packaged extension in a real VS Code.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval } from 'node:timers';
import { onNode24 } from './lib/install.mjs';
import { root } from './lib/run.mjs';

const picture = join(root, 'media', 'workbench.png');
const limit = 250 * 1024;

await onNode24();
const { buildPackage } = await import('./package.mjs');
const { Workbench } = await import('../test/workbench/harness/workbench.ts');
const { freePort, get, settled, shopOn } = await import('../test/workbench/harness/shop.ts');

await buildPackage();
// The port that a reader expects, if nothing else has it.
const port = await get(3000, '/').then(
  () => freePort(),
  () => 3000,
);
const workbench = await Workbench.open(
  shopOn(port, {
    settings: {
      'breadcrumbs.enabled': false,
      'editor.stickyScroll.enabled': false,
      'remote.autoForwardPorts': false,
    },
  }),
);
try {
  const { page, sidebar, statusBar, terminal, editor } = workbench.window;
  await page.setViewportSize({ width: 1280, height: 800 });
  await sidebar.open();
  // Wide enough for whole lines.
  await page.mouse.move(350, 300);
  await page.mouse.down();
  await page.mouse.move(480, 300, { steps: 4 });
  await page.mouse.up();
  await sidebar.clickWelcome('Start Server');
  await settled(workbench.window, 1);
  await statusBar.waitFor((item) => item.text.startsWith('4/4'), 'four workers');
  await sidebar.collapse('ticker');
  await terminal.waitForText(/ready in/);
  await editor.change('src/catalog.ts', (text) => text.replace('cents: 1899', 'cents: 1499'));
  // Nothing is hovered.
  await page.mouse.move(1150, 290);
  // Slow requests on every worker: those that are replaced first finish theirs while the next ones still start.
  const requests = [];
  const asking = setInterval(() => requests.push(get(port, '/slow')), 100);
  await editor.save();
  await sidebar.waitForRows(
    (rows) =>
      rows.some(({ label, description }) => label === '2' && description.startsWith('starting')) &&
      rows.some(({ label, description }) => label === '1' && /^draining \d+ request/.test(description)),
    'a worker that starts and one that drains',
  );
  await page.screenshot({ path: picture });
  clearInterval(asking);
  await Promise.all(requests);
  await sidebar.clickTitle('Stop Server');
  await sidebar.waitForWelcome(() => true, 'the end of the server');
} finally {
  await workbench.dispose();
}
const { size } = statSync(picture);
console.log(`${picture} (${Math.round(size / 1024)} KB)`);
if (size > limit) {
  console.error(`it has more than ${limit} bytes`);
  process.exitCode = 1;
}
