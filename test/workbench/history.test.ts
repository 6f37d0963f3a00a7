/** What reloads did: rows of the view, the page that draws it, and the end of a worker that takes too long. */
import assert from 'node:assert/strict';
import { RawHttp } from '../process/clients/rawHttp.ts';
import { answers, freePort, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();

workbenchTest('the history of a server', shopOn(port), async (_workbench, window, step) => {
  const { sidebar, editor, history, palette } = window;

  await step('a worker that still works can be finished at once', async () => {
    await sidebar.open();
    await sidebar.clickWelcome('Start Server');
    await settled(window, 1);
    const held = await RawHttp.open({ host: 'localhost', port });
    held.write('GET /api/products HTTP/1.1\r\nHost: localhost\r\n');
    await editor.edit('src/catalog.ts', (text) => text.replace('short and stout', 'tall and slim'));
    const draining = /^\d draining · g1/;
    await sidebar.waitForRow(draining);
    assert.ok((await sidebar.inlineActions(draining)).includes('Finish Now'));
    assert.ok((await sidebar.contextMenu(draining)).includes('Finish Now'));
    await answers(port, '/', /tall and slim/);
    await palette.run('Graceful Reload: Finish Now');
    await settled(window, 2);
    assert.ok(!(await palette.commands('Graceful Reload: Finish')).includes('Graceful Reload: Finish Now'));
  });

  await step('each reload is a row, with its facts below', async () => {
    await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
    await sidebar.waitForRow(/^Reloads #2 .* rejected/);
    await editor.edit('src/catalog.ts', (text) => text.replace('return products products;', 'return products;'));
    await settled(window, 4);
    await sidebar.collapse('web');
    await sidebar.expand('Reloads');
    await sidebar.expand('#1');
    await sidebar.waitForRow(/^Files src\/catalog\.ts$/);
    await sidebar.waitForRow(/^Groups web · 3 replaced$/);
    await sidebar.waitForRow(/^Phases first workers \d+ m?s · the others [\d.]+ m?s$/);
    const cut = await sidebar.waitForRow(/^Connections 1 cut$/);
    assert.equal(cut.ariaLabel, 'Connections: 1 cut');
    await window.screenshot('7 reloads');
    await sidebar.collapse('Reloads');
  });

  await step('the page draws every worker, for eyes, keyboard and screen reader', async () => {
    await sidebar.clickInline(/^Reloads/, 'Show Reload History');
    await waitFor(async () => (await history.title()) === 'shop', { what: 'the page' });
    const bars = await history.waitForBars((all) => all.length >= 11, 'all bars');
    const of = (lane: string): string[] => bars.filter((bar) => bar.lane === lane).map(({ title }) => title);
    assert.deepEqual(of('ticker 1'), ['Worker 1 of ticker, generation 1, serving']);
    assert.deepEqual(of('web 2'), [
      'Worker 2 of web, generation 1, replaced or stopped',
      'Worker 2 of web, generation 2, replaced or stopped',
      'Worker 2 of web, generation 4, serving',
    ]);
    // The canary of the reload that was rejected never served.
    assert.ok(bars.some(({ title }) => title === 'Worker 1 of web, generation 3, ended before it served'));
    const reloads = await history.reloads();
    assert.deepEqual(
      reloads.map(([id]) => id),
      ['#3', '#2', '#1'],
    );
    assert.match(reloads[1]?.[3] ?? '', /rejected: .*SyntaxError/);
    assert.deepEqual(await history.unnamed(), []);

    await history.focusBar();
    await history.press('ArrowUp');
    await waitFor(async () => /of web/.test(await history.focused()), { what: 'the lane above' });
    await history.press('Home');
    await waitFor(async () => /generation 1/.test(await history.focused()), { what: 'the first bar' });
    await waitFor(async () => /State\s+replaced or stopped[^]*Served/.test(await history.details()), {
      what: 'its facts',
    });
    await history.choose('Everything');
    await window.screenshot('7 history page');
  });

  await step('in a narrow page neither times nor numbers of reloads lie over each other', async () => {
    const size = window.page.viewportSize()!;
    await window.page.setViewportSize({ width: 640, height: size.height });
    await waitFor(async () => (await history.labels('ticks')).length === 2, { what: 'fewer times' });
    for (const kind of ['ticks', 'marks'] as const) {
      const labels = await history.labels(kind);
      const named = labels.filter(({ text }) => text !== '');
      named.forEach(({ text, left }, at) => {
        const before = named[at - 1];
        assert.ok(!before || before.right <= left, `${before?.text} lies over ${text}`);
      });
      if (kind === 'ticks') continue;
      assert.equal(labels.length, 3, 'each reload has its line');
      assert.ok(
        named.some(({ text }) => text === '✗2'),
        'the rejected one is named',
      );
    }
    await window.screenshot('7 history page narrow');
    await window.page.setViewportSize(size);
  });

  await step('it follows what happens, and keeps the past of a server that was stopped', async () => {
    await palette.run('Graceful Reload: Reload Workers');
    await history.waitForBars(
      (bars) => bars.some(({ title }) => title === 'Worker 3 of web, generation 5, serving'),
      'the new workers',
    );
    await palette.run('Graceful Reload: Stop Server');
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'the end of the server');
    assert.ok((await history.bars()).length >= 14);
  });
});
