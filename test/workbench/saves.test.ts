/** Which changes act, and when: auto save and open files under `manualSave`, a pause, a save that is refused. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { answers, freePort, get, settled, shell, shopOn } from './harness/shop.ts';
import { waitFor, waitForValue } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const settings = { 'gracefulReload.reloadOn': 'manualSave', 'files.autoSave': 'onFocusChange' };

workbenchTest('what acts', shopOn(port, { settings }), async (workbench, window, step) => {
  const { sidebar, statusBar, editor, palette } = window;
  const catalog = join(workbench.folder, 'src/catalog.ts');
  const write = (from: string, to: string) => writeFileSync(catalog, readFileSync(catalog, 'utf8').replace(from, to));
  const generationOf = async (): Promise<number> => {
    const { stdout } = await shell(workbench, 'status', '--json');
    return (JSON.parse(stdout) as { generation: number }).generation;
  };
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

  await step('while paused changes wait, and resuming acts on them', async () => {
    await sidebar.clickContextMenu('shop', 'Pause Reloads');
    await sidebar.waitForRow(/^shop paused · /);
    await statusBar.waitFor(
      (item) => item.text === `4/4 :${port} paused` && item.icons[0] === 'debug-pause',
      'the status bar to say that it is paused',
    );
    await editor.edit('src/catalog.ts', (text) => text.replace('of clay', 'of wood'));
    await editor.edit('src/views/products.ts', (text) => `${text}// a change\n`);
    await sidebar.waitForRow('2 changes wait');
    await waitFor(async () => /Saving reloads web once resumed/.test(await statusBar.languageStatus()), {
      what: 'the language status to say what a save waits for',
    });
    await sidebar.expand('2 changes wait');
    await sidebar.waitForRow(/^src\/catalog\.ts changed \d\d:\d\d · web$/);
    await window.screenshot('10 paused');
    assert.match(
      await statusBar.tooltip(),
      /paused · 2 changes wait: src\/(catalog|views\/products)\.ts and .* · Resume/,
    );
    assert.match(await get(port, '/'), /of clay/);
    assert.deepEqual(await sidebar.inlineActions('2 changes wait'), ['Resume Reloads', 'Reload Workers']);
    assert.ok(!(await palette.commands('Graceful Reload: Pause')).includes('Graceful Reload: Pause Reloads'));
    await sidebar.clickInline('2 changes wait', 'Resume Reloads');
    await answers(port, '/', /of wood/);
    await settled(window, 6);
    await sidebar.waitForRows(
      (rows) => !rows.some(({ label, description }) => /wait|paused/.test(`${label} ${description}`)),
      'nothing that waits',
    );
  });

  await step('after a broken save everything says which code runs, until a good one', async () => {
    await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
    await sidebar.waitForRow(/^shop rejected, running the code of \d\d:\d\d · /);
    const { text } = await statusBar.waitFor((item) => !item.spins && /rejected/.test(item.text), 'the status bar');
    assert.match(text, new RegExp(`^4/4 :${port} rejected, running the code of \\d\\d:\\d\\d$`));
    await window.screenshot('10 old code runs');
    assert.match(await get(port, '/'), /of wood/);
    await editor.edit('src/catalog.ts', (text) => text.replace('return products products;', 'return products;'));
    await sidebar.waitForRow(/^shop .* running since \d\d:\d\d$/);
    await statusBar.waitFor((item) => item.text === `4/4 :${port}`, 'the status bar to be calm');
  });

  await step(
    'the setting exclude is a start option: a restart brings it in, then such files do not count',
    async () => {
      const settings = { 'gracefulReload.reloadOn': 'change', 'gracefulReload.exclude': ['src/views/**'] };
      writeFileSync(join(workbench.folder, '.vscode', 'settings.json'), JSON.stringify(settings));
      await sidebar.waitForRow(/· start options: exclude$/);
      await sidebar.clickInline(/^Needs restart/, 'Restart Server');
      await sidebar.waitForRows((rows) => !rows.some(({ label }) => /^Needs restart/.test(label)), 'no flag');
      const generation = await generationOf();
      await editor.edit('src/views/products.ts', (text) => `${text}// one more change\n`);
      await editor.edit('src/catalog.ts', (text) => text.replace('of wood', 'of cloth'));
      await answers(port, '/', /of cloth/);
      const { code } = await shell(workbench, 'wait', '--timeout', '20s');
      assert.equal(code, 0);
      assert.equal(await generationOf(), generation + 1);
    },
  );
});
