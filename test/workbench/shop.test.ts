/** The main job, from the first click to the stop: a server in a task, its workers in view, and what each save does to them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RawHttp } from '../process/clients/rawHttp.ts';
import { startLoad } from '../process/harness/requests.ts';
import {
  answers,
  freePort,
  get,
  pidsOf,
  readySlots,
  settled,
  shell,
  shopOn,
  watch,
  workersOf,
} from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();

workbenchTest('a server from start to stop', shopOn(port), async (workbench, window, step) => {
  const { sidebar, statusBar, problems, terminal, editor, notifications, palette } = window;
  const ourProblems = async () => (await problems.list()).filter(({ source }) => source === 'graceful-reload');
  const noProblems = () =>
    problems.waitFor((all) => all.every(({ source }) => source !== 'graceful-reload'), 'no problem of ours');
  const noFlags = () =>
    sidebar.waitForRows(
      (rows) => !rows.some(({ label }) => label.startsWith('Needs restart')),
      'no row "Needs restart"',
    );
  const calm = (text: string) =>
    statusBar.waitFor(
      (item) => item.text === text && !item.spins && item.background === 'none' && item.icons[0] === 'server-process',
      `the status bar to say ${text}`,
    );

  await step('Start Server runs it in a task', async () => {
    await sidebar.open();
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
    assert.equal(await statusBar.find('gracefulReload.status'), undefined);
    await window.screenshot('1 welcome');
    await sidebar.clickWelcome('Start Server');
    await settled(window, 1);
    await calm(`4/4 :${port}`);
    const text = await terminal.waitForText(/ready in \d+ ms/);
    assert.match(text, /graceful-reload {2}shop {2}g1 {2}2 groups, 4 workers {2}http:\/\/localhost:\d+ {2}ready in/);
    for (const prefix of ['web#1', 'web#2', 'web#3', 'ticker#1'])
      await terminal.waitForText(new RegExp(`^${prefix} +\\| `, 'm'));
    await sidebar.expand('ticker');
    await settled(window, 1, { group: 'ticker', slots: 1 });
    const [server] = await sidebar.rows();
    assert.equal(server?.label, 'shop');
    assert.match(
      server.description,
      new RegExp(`^server\\.ts · :${port} · generation 1 · running since \\d\\d:\\d\\d$`),
    );
    const actions = await sidebar.titleActions();
    assert.deepEqual(actions.slice(0, 3), ['Reload Workers', 'Restart Server', 'Stop Server']);
    assert.match(await get(port, '/'), /Teapot/);
    await window.screenshot('1 running');
    assert.match(
      await statusBar.tooltip(),
      /shop · generation 1 since .* · http:\/\/localhost:\d+ · Reload · Restart · Stop/,
    );
    await window.screenshot('1 status bar tooltip');
    assert.match(await sidebar.tooltip('shop'), /Folder/);
    await window.screenshot('1 server tooltip');
  });

  await step('saving a file replaces its workers one at a time', async () => {
    const before = workersOf(await sidebar.rows(), 'web');
    await editor.change('src/catalog.ts', (text) => text.replace('Teapot, short and stout', 'Teapot, tall and slim'));
    const watching = watch(window);
    // A request that is half sent keeps an old worker at work.
    const held = await RawHttp.open({ host: 'localhost', port });
    held.write('GET /api/products HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n');
    await editor.save();
    await sidebar.waitForRow(/^\d draining · g1 · \d+ s left/);
    await answers(port, '/', /tall and slim/);
    await window.screenshot('2 draining');
    const answer = held.expect();
    held.write('\r\n');
    assert.equal((await answer).status, 200);
    const after = await settled(window, 2);
    await calm(`4/4 :${port}`);
    const moments = await watching.stop();
    for (const { workers } of moments)
      assert.ok(readySlots(workers) >= 3, moments.map((one) => JSON.stringify(one.workers)).join('\n'));
    assert.deepEqual(
      after.map(({ slot }) => slot),
      before.map(({ slot }) => slot),
    );
    assert.equal(new Set([...pidsOf(before), ...pidsOf(after)]).size, 6, 'every worker is a new process');
    assert.ok(
      moments.some(({ status }) => status?.spins),
      'the status bar spins meanwhile',
    );
    assert.ok(moments.some(({ workers }) => workers.some(({ state }) => state.startsWith('draining'))));
    // The editor and the file system tell of the same save; the line names whichever was heard first.
    assert.match(await terminal.text(), /g2 {2}src\/catalog\.ts (saved|changed) {2}→ reloading web/);
    assert.equal(workersOf(await sidebar.rows(), 'ticker')[0]?.generation, 1);
    await window.screenshot('2 reloaded');
  });

  await step('Reload Workers does the same at once', async () => {
    const before = workersOf(await sidebar.rows(), 'web');
    await sidebar.clickTitle('Reload Workers');
    const after = await settled(window, 3);
    assert.equal(new Set([...pidsOf(before), ...pidsOf(after)]).size, 6);
  });

  await step('an edit of the bootstrap script is flagged, and undoing it clears the flag', async () => {
    const before = workersOf(await sidebar.rows(), 'web');
    await editor.edit('server.ts', (text) =>
      text.replace('reloadable: false', 'reloadable: false, drainTimeout: 2000'),
    );
    await statusBar.waitFor((item) => item.background === 'warning', 'the status bar to warn');
    await sidebar.waitForRow('Needs restart (1)');
    const row = await sidebar.waitForRow(/^server\.ts changed \d\d:\d\d · bootstrap script$/);
    assert.equal(row.level, 3);
    const found = await problems.waitFor(
      (all) => all.some(({ source }) => source === 'graceful-reload'),
      'the problem',
    );
    const [problem] = found.filter(({ source }) => source === 'graceful-reload');
    assert.deepEqual([problem?.file, problem?.line], ['server.ts', 9], 'at the line that was edited');
    assert.match(problem?.message ?? '', /restart/);
    assert.match(await editor.badge(), /↻/);
    const spoken = await waitFor(async () => /Needs a restart\. [^,]*/.exec(await statusBar.languageStatus())?.[0], {
      what: 'the language status',
    });
    assert.match(spoken, /it is the bootstrap script/);
    const { buttons } = await notifications.waitFor(/^server\.ts has changed: shop runs on as it was started/);
    assert.deepEqual(buttons, ['Restart Server', 'Compare', "Don't Show Again"]);
    await window.screenshot('3 bootstrap script edited');
    await notifications.clearAll();
    assert.deepEqual((await editor.quickFixes(9)).slice(0, 2), ['Restart server', 'Compare with running version']);
    await editor.quickFix(9, 'Compare with running version');
    const { left, right } = await waitFor(
      async () => {
        const sides = await editor.comparison();
        return sides.left !== '' && sides.right !== '' && sides;
      },
      { what: 'the comparison' },
    );
    assert.match(left, /reloadable: false \}/);
    assert.match(right, /reloadable: false, drainTimeout: 2000/);
    await window.screenshot('3 compared with what runs');
    await palette.run('View: Close Editor');
    // One more edit of the series: nobody is told again.
    await editor.edit('server.ts', (text) => text.replace('2000', '3000'));
    await editor.edit('server.ts', (text) => text.replace(', drainTimeout: 3000', ''));
    assert.deepEqual(await notifications.list(), []);
    await noProblems();
    await calm(`4/4 :${port}`);
    await noFlags();
    assert.deepEqual(pidsOf(workersOf(await sidebar.rows(), 'web')), pidsOf(before), 'nothing was reloaded');
  });

  await step('an edit of what it imports reloads the workers, and asks for a restart for the rest', async () => {
    await editor.edit('src/config.ts', (text) => text.replace('workers = 3', 'workers = 4'));
    await settled(window, 4);
    await sidebar.waitForRow(/^src\/config\.ts changed \d\d:\d\d · imported by server\.ts:2$/);
    const [problem] = await ourProblems();
    assert.deepEqual([problem?.file, problem?.line], ['config.ts', 3]);
    assert.match(problem?.message ?? '', /imported by server\.ts:2/);
    await notifications.waitFor(/^src\/config\.ts has changed/);
    await notifications.clearAll();
    assert.equal((await statusBar.waitFor((item) => !item.spins, 'the end of the reload')).background, 'warning');
    await window.screenshot('3 imported file edited');
    const { pid } = JSON.parse((await shell(workbench, 'status', '--json')).stdout) as { pid: number };
    const cleanUp: (() => void)[] = [];
    const load = startLoad(port, { after: (end) => cleanUp.push(end as () => void) }, '/api/products', 2);
    try {
      await load.answered(5);
      await sidebar.clickInline('Needs restart (1)', 'Restart Server');
      await settled(window, 5, { slots: 4 });
      await calm(`5/5 :${port}`);
      await load.answered(5);
    } finally {
      for (const end of cleanUp) end();
    }
    assert.deepEqual((await load.stop()).failures, [], 'no request failed');
    assert.equal((JSON.parse((await shell(workbench, 'status', '--json')).stdout) as { pid: number }).pid, pid);
    await noProblems();
    await noFlags();
    await settled(window, 5, { group: 'ticker', slots: 1 });
    await window.screenshot('3 restarted');
  });

  await step('a broken save is rejected, and the next good one heals it', async () => {
    const before = workersOf(await sidebar.rows(), 'web');
    await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
    await statusBar.waitFor((item) => item.background === 'warning' && !item.spins, 'the status bar to warn');
    const all = await problems.waitFor((now) => now.some(({ source }) => source === 'graceful-reload'), 'the problem');
    const problem = all.find(({ source }) => source === 'graceful-reload');
    assert.equal(problem?.file, 'catalog.ts');
    assert.equal(problem.severity, 'error');
    assert.equal(problem.line, 15);
    await notifications.waitFor(/rejected/);
    await window.screenshot('4 rejected');
    await notifications.clearAll();
    // Broken once more, in the same way: said before.
    await editor.edit('src/catalog.ts', (text) => `${text}// still broken\n`);
    await terminal.waitForText(/rejected:[^]*rejected:/);
    assert.deepEqual(await notifications.list(), []);
    assert.match(await get(port, '/'), /tall and slim/);
    assert.deepEqual(pidsOf(workersOf(await sidebar.rows(), 'web')), pidsOf(before), 'the old workers serve on');
    await editor.edit('src/catalog.ts', (text) =>
      text.replace('return products products;', 'return products;').replace('tall and slim', 'of iron'),
    );
    await answers(port, '/', /of iron/);
    await noProblems();
    await calm(`5/5 :${port}`);
    await sidebar.expand('Reloads');
    await window.screenshot('4 healed');
    await sidebar.collapse('Reloads');
  });

  await step('the same server from a shell', async () => {
    const status = JSON.parse((await shell(workbench, 'status', '--json')).stdout) as {
      generation: number;
      groups: { workers: { pid: number }[] }[];
    };
    assert.deepEqual(
      pidsOf(workersOf(await sidebar.rows(), 'web')),
      status.groups[0]?.workers.map((worker) => worker.pid),
    );
    const reload = await shell(workbench, 'reload', '--json');
    assert.equal(reload.code, 0, reload.stderr);
    const { result, generation } = JSON.parse(reload.stdout) as { result: string; generation: number };
    assert.equal(result, 'done');
    await settled(window, generation, { slots: 4 });

    // Started again while it runs: shown, not asked about.
    await problems.open();
    await palette.run('Graceful Reload: Start Server');
    await waitFor(() => terminal.isShown(), { what: 'the terminal of the server' });
    await sidebar.waitForRows(([server]) => server?.selected === true, 'the selected server');
    // A prompt would stay; the palette itself may still be closing.
    await waitFor(async () => !(await palette.isOpen()), { what: 'no prompt' });
    assert.equal(await notifications.dialog(), undefined);
    assert.equal((await terminal.names()).length, 1);
    await settled(window, generation, { slots: 4 });
    await window.screenshot('5 started twice');

    const stop = await shell(workbench, 'stop', '--json');
    assert.equal(stop.code, 0, stop.stderr);
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start again');
    await window.screenshot('5 stopped');
  });

  await step('it starts again, and the editor says what a save would do', async () => {
    await sidebar.clickTitle('Start Server');
    await settled(window, 1, { slots: 4 });
    await waitFor(async () => /Saving reloads web/.test(await statusBar.languageStatus()), {
      what: 'the language status of src/catalog.ts',
    });
  });

  await step('a bootstrap edit restarts by itself, or is kept to the view, as the setting says', async () => {
    const settings = join(workbench.folder, '.vscode', 'settings.json');
    mkdirSync(dirname(settings), { recursive: true });
    await editor.edit('server.ts', (text) =>
      text.replace('reloadable: false', 'reloadable: false, drainTimeout: 1000'),
    );
    await notifications.waitFor(/^server\.ts has changed/);
    await notifications.clearAll();
    // VS Code reads the file in its own time: what it hides tells that it has.
    writeFileSync(settings, '{ "gracefulReload.onBootstrapEdit": "ignore" }');
    await noProblems();
    await calm(`5/5 :${port}`);
    await editor.edit('server.ts', (text) => text.replace(', drainTimeout: 1000', ''));
    await noFlags();
    await editor.edit('server.ts', (text) =>
      text.replace('reloadable: false', 'reloadable: false, drainTimeout: 2000'),
    );
    await sidebar.waitForRow(/^server\.ts changed/);
    await noProblems();
    await calm(`5/5 :${port}`);
    assert.deepEqual(await notifications.list(), []);
    await window.screenshot('3 kept to the view');
    writeFileSync(settings, '{ "gracefulReload.onBootstrapEdit": "restart" }');
    await settled(window, 2, { slots: 4 });
    await noFlags();
    await editor.edit('server.ts', (text) => text.replace('2000', '3000'));
    await settled(window, 3, { slots: 4 });
    await noFlags();
    await noProblems();
    await calm(`5/5 :${port}`);
    assert.deepEqual(await notifications.list(), []);
  });

  await step('Start Server while it stops starts it once it has stopped', async () => {
    const before = await settled(window, 3, { slots: 4 });
    const slow = get(port, '/slow');
    await waitFor(async () => /"inFlight": *1\b/.test((await shell(workbench, 'status', '--json')).stdout), {
      what: 'the request to be under way',
    });
    await sidebar.clickTitle('Stop Server');
    await palette.run('Graceful Reload: Start Server');
    assert.match(await slow, /^Done/);
    const after = await settled(window, 1, { slots: 4 });
    assert.ok(pidsOf(after).every((pid) => !pidsOf(before).includes(pid)));
  });

  await step('Stop Server ends it', async () => {
    await sidebar.clickTitle('Stop Server');
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start again');
    assert.equal(await statusBar.find('gracefulReload.status'), undefined);
    assert.deepEqual(await notifications.list(), []);
    assert.equal((await shell(workbench, 'status')).code, 3);
  });
});
