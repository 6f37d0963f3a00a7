/** Where a server cannot run: an untrusted folder, a Node that is too old, a bootstrap script that is broken. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNode } from '../../scripts/testbed.mjs';
import { freePort, get, settled, shell, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const oldNode = await ensureNode('20');

const options = shopOn(port, {
  workspaceTrust: true,
  settings: { 'security.workspace.trust.startupPrompt': 'never' },
  prepare: (folder) => {
    mkdirSync(join(folder, '.vscode'));
    writeFileSync(join(folder, '.vscode', 'settings.json'), JSON.stringify({ 'gracefulReload.node': oldNode }));
  },
});

workbenchTest('what keeps a server from running is said where one looks', options, async (workbench, window, step) => {
  const { sidebar, statusBar, problems, terminal, editor, notifications, palette } = window;
  const offersStart = () =>
    sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');

  await step('in Restricted Mode nothing starts', async () => {
    await sidebar.open();
    await sidebar.waitForWelcome(({ text }) => /Restricted Mode/.test(text), 'an explanation');
    const { buttons } = (await sidebar.welcome())!;
    assert.deepEqual(buttons, ['Manage Workspace Trust']);
    assert.equal(await statusBar.find('gracefulReload.status'), undefined);
    assert.deepEqual(
      (await sidebar.titleActions()).filter((label) => /Start|Reload|Restart|Stop/.test(label)),
      [],
    );
    await window.screenshot('6 restricted mode');
    await sidebar.clickWelcome('Manage Workspace Trust');
    await window.trust();
    assert.equal((await shell(workbench, 'status')).code, 3);
    await offersStart();
  });

  await step('a Node that is too old is named, with the remedy', async () => {
    await sidebar.clickWelcome('Start Server');
    await notifications.waitFor(/shop|server\.ts/);
    const text = await terminal.text();
    assert.match(text, /Node 20\.\S+ \(.*\) is too old: Graceful Reload needs 22\.15\+/);
    assert.match(text, /gracefulReload\.node/);
    assert.equal((await notifications.list()).filter(({ severity }) => severity === 'error').length, 1);
    const [problem] = await problems.waitFor((all) => all.length === 1, 'the problem');
    assert.deepEqual([problem?.file, problem?.line], ['server.ts', 1]);
    assert.match(problem?.message ?? '', /is too old: Graceful Reload needs 22\.15\+/);
    await window.screenshot('6 node too old');
    await offersStart();
    await notifications.clearAll();
  });

  await step(
    'an error of the bootstrap script stands in the terminal and in Problems, until the next try',
    async () => {
      rmSync(join(workbench.folder, '.vscode', 'settings.json'));
      await editor.edit('server.ts', (text) => text.replace(/^export default/m, "throw new Error('no menu');\n$&"));
      await sidebar.clickWelcome('Start Server');
      await terminal.waitForText(
        /The bootstrap script server\.ts cannot be evaluated: Error: no menu at server\.ts:5:7/,
      );
      await notifications.waitFor(/"server\.ts" did not start: The bootstrap script .* no menu/);
      const [problem] = await problems.waitFor((all) => all.length === 1, 'the problem');
      assert.deepEqual([problem?.severity, problem?.file, problem?.line], ['error', 'server.ts', 5]);
      assert.match(problem?.message ?? '', /no menu.* \(the server did not start\)$/);
      await window.screenshot('6 bootstrap script throws');
      await offersStart();
      await notifications.clearAll();
      await editor.edit('server.ts', (text) => text.replace("throw new Error('no menu');", 'const = 1;'));
      await problems.waitFor((all) => all.every(({ source }) => source !== 'graceful-reload'), 'no problem of ours');
      await sidebar.clickWelcome('Start Server');
      await terminal.waitForText(/SyntaxError.* at server\.ts:5:7/);
      await notifications.click(/"server\.ts" did not start: .*SyntaxError/, 'Show Error');
      await waitFor(async () => (await editor.cursor())?.line === 5, { what: 'the cursor at the error' });
      await offersStart();
    },
  );

  await step('once it is mended the server starts', async () => {
    await editor.edit('server.ts', (text) => text.replace('const = 1;\n', ''));
    await palette.run('Graceful Reload: Start Server');
    await settled(window, 1);
    assert.match(await get(port, '/'), /Teapot/);
    assert.deepEqual(await problems.list(), []);
    await sidebar.clickTitle('Stop Server');
    await offersStart();
  });
});
