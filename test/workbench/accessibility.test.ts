/** Without a mouse, and for a screen reader: the view, the status bar and the history page, in high contrast. */
import assert from 'node:assert/strict';
import { freePort, get, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const options = shopOn(port, { settings: { 'workbench.colorTheme': 'Default High Contrast Light' } });

workbenchTest('keyboard and screen reader', options, async (_workbench, window, step) => {
  const { keyboard, palette, sidebar, statusBar, editor, history, notifications } = window;
  const focusView = () => palette.run('Graceful Reload: Focus on Workers View');

  await step('the welcome text: Tab leads to its button, Enter starts', async () => {
    await sidebar.open();
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
    await focusView();
    await keyboard.walk('Tab', /^Start Server$/, 3);
    await keyboard.press('Tab');
    await keyboard.waitForFocus(/^Add to tasks\.json$/);
    await keyboard.press('Shift+Tab', 'Enter');
    await settled(window, 1);
  });

  await step('the tree: arrows between rows, Tab to the buttons of a row, Shift+Tab to those of the view', async () => {
    await focusView();
    await keyboard.press('Home');
    await keyboard.waitForFocus(/^Server shop, running since \d\d:\d\d, server\.ts, port \d+, generation 1$/);
    await keyboard.press('ArrowDown');
    await keyboard.waitForFocus(/^Group web, 3 workers$/);
    await keyboard.press('ArrowDown');
    await keyboard.waitForFocus(/^Worker 1 of web, ready, g1, /);
    await window.screenshot('12 focused row');
    await keyboard.press('Tab');
    await keyboard.waitForFocus(/^Attach Debugger$/);
    await keyboard.press('ArrowRight');
    await keyboard.waitForFocus(/^Reload Worker$/);
    await keyboard.press('Shift+Tab');
    await keyboard.waitForFocus(/^Worker 1 of web/);
    await keyboard.press('Shift+Tab');
    await keyboard.waitForFocus(/^Reload Workers$/);
    await keyboard.press('ArrowRight');
    await keyboard.waitForFocus(/^Restart Server$/);
    await keyboard.press('ArrowRight');
    await keyboard.waitForFocus(/^Stop Server$/);
  });

  await step('figures that move all the time leave every row, and the focus, where it is', async () => {
    await focusView();
    await keyboard.press('Home', 'ArrowDown', 'ArrowDown');
    await keyboard.waitForFocus(/^Worker 1 of web, ready/);
    const counting = await sidebar.countChanges();
    // Until figures were seen to change three times, however long that takes, with requests all the while.
    let requests = 0;
    const written = await waitFor(
      async () => {
        for (let batch = 0; batch < 20; batch++, requests++) await get(port, '/api/products');
        const { texts } = await counting.read();
        return texts >= 3 && texts;
      },
      { what: 'figures that change' },
    );
    const { rows } = await counting.read();
    assert.equal(rows, 0, 'rows that were taken out or put in anew');
    assert.ok(written < requests, `${written} row texts written in ${requests} requests`);
    await keyboard.waitForFocus(/^Worker 1 of web, ready/);
  });

  await step('the menu of a row reloads it', async () => {
    await focusView();
    await keyboard.press('Home', 'ArrowDown', 'ArrowDown');
    const before = await keyboard.waitForFocus(/^Worker 1 of web, ready, g1, /);
    await keyboard.press('Shift+F10');
    await waitFor(async () => /Reload Worker/.test(await keyboard.focused()), { what: 'the menu' });
    await keyboard.press('ArrowDown', 'Enter');
    await sidebar.waitForRow(/^1 ready · g2/);
    // The row stays where it is, and so does the focus.
    const after = await keyboard.waitForFocus(/^Worker 1 of web, ready, g2, /);
    assert.notEqual(/pid (\d+)/.exec(after)?.[1], /pid (\d+)/.exec(before)?.[1]);
    assert.ok((await sidebar.rows()).every(({ ariaLabel }) => /\p{L}{3}/u.test(ariaLabel)));
  });

  await step('the status bar says it in words, and Enter leads to the view', async () => {
    await palette.run('View: Focus Status Bar');
    await keyboard.walk('ArrowRight', /^shop is running, 4 of 4 workers ready$/, 12);
    await keyboard.press('Enter');
    await keyboard.waitForFocus(/^(Server shop|Worker 1 of web)/);
  });

  await step('the history page: Tab from the range to the bars to what was rejected, each with a ring', async () => {
    await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
    await sidebar.waitForRow(/^Reloads .* rejected/);
    await statusBar.waitFor(
      ({ ariaLabel }) => /rejected, running the code of/.test(ariaLabel),
      'the status bar to say it',
    );
    await notifications.clearAll();
    await palette.run('Graceful Reload: Show Reload History');
    await history.waitForBars((bars) => bars.length >= 5, 'the bars');
    await history.tabTo(/^10 minutes$/);
    await keyboard.press('ArrowRight');
    await history.waitForFocus(/^Hour$/);
    await keyboard.press('Tab');
    await history.waitForFocus(/^Worker 1 of ticker, generation 1, serving$/);
    await keyboard.press('ArrowUp');
    await history.waitForFocus(/^Worker 3 of web, generation 1, serving$/);
    await window.screenshot('12 focused bar');
    await keyboard.press('Tab');
    await history.waitForFocus(/^rejected: .*SyntaxError/);
    await keyboard.press('Enter');
    await waitFor(async () => /catalog\.ts/.test((await history.reloads())[0]?.[3] ?? ''), { what: 'the error' });
    await keyboard.press('Shift+Tab');
    await history.waitForFocus(/^Worker 3 of web/);
    assert.deepEqual(await history.unnamed(), []);
  });
});
