/** What workers write, in the Output panel: of one worker, over a reload and a new start, and of all. */
import assert from 'node:assert/strict';
import { freePort, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();

workbenchTest('the log of a worker', shopOn(port), async (_workbench, window, step) => {
  const { sidebar, editor, output, palette } = window;

  await step('the context menu of a worker shows its log', async () => {
    await sidebar.open();
    await sidebar.clickWelcome('Start Server');
    await settled(window, 1);
    await sidebar.clickContextMenu(/^2 ready/, 'Show Log');
    const text = await output.waitForText(new RegExp(`listening on http://localhost:${port}`));
    assert.match(text, /^── generation 1, pid \d+\n/);
    assert.equal(text.split('listening on').length, 2, text);
  });

  await step('it goes on with the worker of the next generation', async () => {
    await editor.edit('src/catalog.ts', (text) => text.replace('short and stout', 'tall and slim'));
    await settled(window, 2);
    const text = await output.waitForText(/── generation 2, pid \d+\n.*listening on/s);
    assert.equal(text.split('listening on').length, 3, text);
    await window.screenshot('9 log of a worker');
  });

  await step('from the palette one is picked; the log of all says whose lines they are', async () => {
    await palette.run('Graceful Reload: Show Log');
    await waitFor(async () => (await palette.labels()).at(-1) === 'Graceful Reload', {
      what: 'the logs to choose from',
    });
    assert.deepEqual(await palette.labels(), ['All workers', 'web#1', 'web#2', 'web#3', 'ticker#1', 'Graceful Reload']);
    await palette.pick('All workers');
    const text = await output.waitForText(/ticker#1 \| the clock is running/);
    assert.equal(text.match(/^web#[123] \| listening on /gm)?.length, 6, text);
    assert.ok((await sidebar.contextMenu('web')).includes('Show Log'));
    assert.ok((await sidebar.contextMenu('shop')).includes('Show Log'));
  });
});
