/** Which changes act, and when: auto save and open files under `manualSave`. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { answers, freePort, get, settled, shell, shopOn } from './harness/shop.ts';
import { waitForValue } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const settings = { 'gracefulReload.reloadOn': 'manualSave', 'files.autoSave': 'onFocusChange' };

workbenchTest('what acts', shopOn(port, { settings }), async (workbench, window, step) => {
  const { sidebar, editor, palette } = window;
  const catalog = join(workbench.folder, 'src/catalog.ts');
  const write = (from: string, to: string) => writeFileSync(catalog, readFileSync(catalog, 'utf8').replace(from, to));
  /** The server has looked, and waits for a person. */
  const isHeld = async () => {
    const { code, stdout, stderr } = await shell(workbench, 'wait', '--timeout', '20s', '--json');
    assert.equal(code, 1, stdout);
    const { error } = JSON.parse(stderr || stdout) as { error: { code: string; message: string } };
    assert.equal(error.code, 'pending', error.message);
    assert.match(error.message, /catalog\.ts/);
  };

  await step('under manualSave an auto save does not reload, a save by hand does', async () => {
    await sidebar.open();
    await sidebar.clickWelcome('Start Server');
    await settled(window, 1);
    await editor.change('src/catalog.ts', (text) => text.replace('short and stout', 'tall and slim'));
    await sidebar.click(/^1 ready/);
    await waitForValue(
      () => readFileSync(catalog, 'utf8'),
      (text) => text.includes('tall and slim'),
      { what: 'the auto save' },
    );
    await isHeld();
    assert.match(await get(port, '/'), /short and stout/);
    await settled(window, 1);
    await editor.save();
    await answers(port, '/', /tall and slim/);
    await settled(window, 2);
  });

  await step('a file that is open waits for its editor, and no longer once it is closed', async () => {
    write('tall and slim', 'of iron');
    await isHeld();
    assert.match(await get(port, '/'), /tall and slim/);
    await editor.open('src/catalog.ts');
    await palette.run('View: Close Editor');
    await answers(port, '/', /of iron/);
    await settled(window, 3);
    write('of iron', 'of glass');
    await answers(port, '/', /of glass/);
    await settled(window, 4);
  });

  await step('a setting that is changed while the server runs counts at once', async () => {
    await editor.open('src/catalog.ts');
    write('of glass', 'of clay');
    await isHeld();
    const file = join(workbench.folder, '.vscode', 'settings.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{ "gracefulReload.reloadOn": "change" }');
    await answers(port, '/', /of clay/);
  });
});
