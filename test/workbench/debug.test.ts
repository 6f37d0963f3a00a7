/** A debugger that stays: it stops at a breakpoint, and after a reload at the same one in the successor. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, get, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
/** Of `response.send(productList(...))`. */
const LINE = 9;

const launch = {
  version: '0.2.0',
  configurations: [
    {
      type: 'node',
      request: 'attach',
      name: 'Debug server',
      port: '${command:gracefulReload.inspectPort}',
      preLaunchTask: 'graceful-reload: server.ts',
      restart: true,
      continueOnAttach: true,
    },
  ],
};

const options = shopOn(port, {
  // The view of the debugger would take the place of ours.
  settings: { 'debug.openDebug': 'neverOpen' },
  prepare: (folder) => {
    const config = join(folder, 'src/config.ts');
    writeFileSync(config, readFileSync(config, 'utf8').replace('workers = 3', 'workers = 1'));
    mkdirSync(join(folder, '.vscode'));
    writeFileSync(join(folder, '.vscode/launch.json'), JSON.stringify(launch));
  },
});

workbenchTest('debugging over reloads', options, async (workbench, window, step) => {
  const { sidebar, editor, debugging, palette } = window;

  /**
   * A request that is held at the breakpoint until the debugger lets it go. A debugger is attached a moment before it has
   * told its breakpoints, and nothing in the window says when it has: what is answered before that is asked again.
   */
  const stopsAndAnswers = async (pattern: RegExp, picture: string): Promise<void> => {
    let answer = get(port, '/');
    await waitFor(
      async () => {
        const first = await Promise.race([answer.then(() => 'answered'), debugging.paused().then(() => 'paused')]);
        if (first === 'answered') answer = get(port, '/');
        return first === 'paused';
      },
      { what: 'the program to stop at the breakpoint' },
    );
    await sidebar.waitForRow(/^1 .*paused in the debugger/);
    await window.screenshot(picture);
    await debugging.resume();
    assert.match(await answer, pattern);
  };
  const changeTitle = (from: string, to: string): Promise<void> =>
    editor.edit('src/catalog.ts', (text) => text.replace(from, to));

  await step(
    'Attach Debugger opens the inspector of a worker; after a reload it stops again, in the successor',
    async () => {
      await debugging.breakAt('src/web.ts', LINE);
      await sidebar.open();
      await sidebar.clickWelcome('Start Server');
      const [old] = await settled(window, 1, { slots: 1 });
      const isAttached = async (): Promise<boolean> =>
        (await sidebar.rows()).some(({ description }) => description.includes('debugger attached'));
      await waitFor(
        async () => {
          await sidebar.clickInline(/^1 ready/, 'Attach Debugger');
          await waitFor(async () => (await isAttached()) || (await palette.isOpen()), { what: 'an answer' });
          if (!(await palette.isOpen())) return true;
          // VS Code forgets a row for the moment in which it draws it anew: a click then means none, and we ask which.
          await palette.close();
          return false;
        },
        { what: 'the debugger' },
      );
      await sidebar.waitForRow(/^1 ready .*debugger attached/);
      await editor.open('src/web.ts');
      await debugging.bound();
      await stopsAndAnswers(/short and stout/, '7 attached');
      await changeTitle('short and stout', 'tall and slim');
      const [next] = await settled(window, 2, { slots: 1 });
      assert.notEqual(next?.pid, old?.pid);
      await sidebar.waitForRow(/^1 ready .*debugger attached/);
      await editor.open('src/web.ts');
      await debugging.bound();
      await stopsAndAnswers(/tall and slim/, '7 attached to the successor');
      await sidebar.clickTitle('Stop Server');
      await debugging.ended();
    },
  );

  await step('F5 with our task as preLaunchTask starts the server and stops at the breakpoint', async () => {
    await editor.open('src/web.ts');
    await debugging.start();
    await sidebar.open();
    await settled(window, 1, { slots: 1 });
    await sidebar.waitForRow(/^1 ready .*debugger attached/);
    await debugging.bound();
    await stopsAndAnswers(/tall and slim/, '7 at a breakpoint');
  });

  await step('after a reload it stops there again, in the successor', async () => {
    await changeTitle('tall and slim', 'round and red');
    await settled(window, 2, { slots: 1 });
    await sidebar.waitForRow(/^1 ready .*debugger attached/);
    await editor.open('src/web.ts');
    await debugging.bound();
    await stopsAndAnswers(/round and red/, '7 at a breakpoint in the successor');
  });

  await step('the session ends with the server', async () => {
    await sidebar.clickTitle('Stop Server');
    await debugging.ended();
  });

  await step('Attach Debugger of a group follows each of its workers', async () => {
    const config = join(workbench.folder, 'src/config.ts');
    writeFileSync(config, readFileSync(config, 'utf8').replace('workers = 1', 'workers = 2'));
    await sidebar.open();
    await sidebar.clickWelcome('Start Server');
    const old = await settled(window, 1, { slots: 2 });
    await sidebar.clickContextMenu(/^web /, 'Attach Debugger');
    const bothAttached = (): Promise<unknown> =>
      sidebar.waitForRows(
        (rows) => rows.filter(({ description }) => description.includes('debugger attached')).length === 2,
        'a debugger on both workers of web',
      );
    await bothAttached();
    await changeTitle('round and red', 'of iron');
    const next = await settled(window, 2, { slots: 2 });
    assert.deepEqual(
      next.filter(({ pid }) => old.some((one) => one.pid === pid)),
      [],
    );
    await bothAttached();
    await sidebar.open();
    await window.screenshot('7 a group attached');
    await sidebar.clickTitle('Stop Server');
    await debugging.ended();
  });
});
