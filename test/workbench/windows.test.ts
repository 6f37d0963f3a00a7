/** Windows that reload, crash, and come in pairs: the server goes on as it is, and each window finds it as it was. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Snapshot } from '../../src/protocol/status.ts';
import { freePort, pidsOf, settled, shell, shopOn, workersOf } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { type Window, type Workbench, workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const BOTH = 'both.code-workspace';

/** Beside the shop another project, and a workspace of the two. */
function addNeighbour(shop: string): void {
  const [home, api] = [dirname(shop), join(dirname(shop), 'api')];
  mkdirSync(api);
  writeFileSync(join(api, 'package.json'), JSON.stringify({ name: 'api', scripts: { dev: 'node api.js' } }));
  writeFileSync(
    join(api, 'api.js'),
    "require('node:http').createServer((_, response) => response.end('api')).listen(0);\n",
  );
  writeFileSync(join(home, BOTH), JSON.stringify({ folders: [{ path: 'shop' }, { path: 'api' }] }));
}

/** Everything that a window that is drawn anew has to find as it was. */
async function known(workbench: Workbench): Promise<object> {
  const { stdout, stderr } = await shell(workbench, 'status', '--json', '--server', 'shop');
  assert.notEqual(stdout, '', stderr);
  const { pid, generation, startedAt, groups, needsRestart, reloads } = JSON.parse(stdout) as Snapshot;
  return {
    ...{ pid, generation, startedAt, needsRestart, reloads },
    workers: groups.flatMap(({ workers }) => workers.map(({ slot, pid: worker, state }) => [slot, worker, state])),
  };
}

/** The view shows it, with its flag and its history. */
async function shows(window: Window, pids: readonly (number | undefined)[]): Promise<void> {
  await window.sidebar.open();
  await settled(window, 2);
  const rows = await window.sidebar.waitForRows(
    (all) => all.some(({ label }) => label === 'Needs restart (1)') && all.some(({ label }) => label === 'Reloads'),
    'the flag and the history',
  );
  assert.deepEqual(pidsOf(workersOf(rows, 'web')), pids);
  assert.equal(rows.filter(({ level }) => level === 1).length, 1);
  await window.statusBar.waitFor(
    (item) => item.text === `4/4 :${port}` && item.background === 'warning',
    'the status bar',
  );
}

/** Reveals the server, and starts no second one. */
async function startAgain({ palette, sidebar, notifications }: Window): Promise<void> {
  await palette.run('Graceful Reload: Start Server');
  await sidebar.waitForRows(([server]) => server?.selected === true, 'the selected server');
  await waitFor(async () => !(await palette.isOpen()), { what: 'no prompt' });
  assert.equal(await notifications.dialog(), undefined);
}

/**
 * A window on a workspace file. VS Code in a browser reads the file through a connection that may not stand yet; it then
 * goes on with a workspace without folders, and reads the file again only when the window is reloaded.
 */
async function openWorkspace(workbench: Workbench, file: string): Promise<Window> {
  const opened = await workbench.openWindow(file);
  await waitFor(
    async () => {
      await opened.sidebar.open();
      const hasRows = (rows: readonly object[]): boolean => rows.length > 0;
      return opened.sidebar.waitForRows(hasRows, 'rows', 10_000).catch(async (error: unknown) => {
        await opened.reload();
        throw error;
      });
    },
    { what: 'the folders of the workspace file', timeout: 90_000 },
  );
  return opened;
}

workbenchTest(
  'a server outlives its windows',
  shopOn(port, { prepare: addNeighbour }),
  async (workbench, window, step) => {
    const { sidebar, terminal, editor, notifications, palette } = window;
    let before: object = {};
    let pids: (number | undefined)[] = [];
    const registry = workbench.env['GRACEFUL_RELOAD_RUNTIME_DIR']!;
    const entries = (): string[] => readdirSync(registry).filter((name) => name.endsWith('.json'));

    await step('a server with a past and a flag', async () => {
      await sidebar.open();
      await sidebar.clickWelcome('Start Server');
      await settled(window, 1);
      await editor.edit('src/catalog.ts', (text) => text.replace('short and stout', 'tall and slim'));
      pids = pidsOf(await settled(window, 2));
      await editor.edit('server.ts', (text) =>
        text.replace('reloadable: false', 'reloadable: false, drainTimeout: 2000'),
      );
      await shows(window, pids);
      await notifications.clearAll();
      before = await known(workbench);
    });

    await step('the window is reloaded', async () => {
      await window.reload();
      await shows(window, pids);
      assert.deepEqual(await known(workbench), before);
      // VS Code attaches the terminal anew, as one of a task; asked for before, it would open another one.
      await waitFor(() => terminal.isShown(), { what: 'the terminal' });
      await terminal.waitForText(/g2 {2}src\/catalog\.ts (saved|changed)/);
      await startAgain(window);
      assert.equal((await terminal.names()).length, 1);
      await window.screenshot('8 reloaded window');
    });

    await step('the extension host crashes', async () => {
      const hosts = workbench
        .processes()
        .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=extensionHost'));
      assert.equal(hosts.length, 1);
      process.kill(hosts[0]!, 'SIGKILL');
      await waitFor(
        async () =>
          workbench.processes().some((pid) => {
            try {
              return (
                pid !== hosts[0] && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=extensionHost')
              );
            } catch {
              return false;
            }
          }),
        { what: 'a new extension host' },
      );
      await window.ready();
      await shows(window, pids);
      assert.deepEqual(await known(workbench), before);
      await startAgain(window);
      assert.equal((await terminal.names()).length, 1);
      await notifications.clearAll();
    });

    await step('a second window on the folder shares it', async () => {
      const other = await workbench.openWindow();
      await shows(other, pids);
      await startAgain(other);
      assert.deepEqual(await known(workbench), before);
      await other.sidebar.clickTitle('Reload Workers');
      const [here, there] = [await settled(window, 3), await settled(other, 3)];
      assert.deepEqual(pidsOf(here), pidsOf(there));
      assert.equal(entries().length, 1);
      await other.close();
    });

    await step('several servers and folders stand side by side', async () => {
      const both = await openWorkspace(workbench, join(dirname(workbench.folder), BOTH));
      await settled(both, 3);
      await both.palette.run('Graceful Reload: Start Server');
      const name = await waitFor(async () => (await both.palette.labels()).find((label) => /api/.test(label)), {
        what: 'the server of the second folder in the list',
      });
      assert.equal(await both.palette.description(name), 'api · node api.js');
      assert.equal(await both.palette.description('server.ts'), 'shop · node server.ts · running');
      await both.palette.pick(name);
      await both.sidebar.waitForRows(
        (rows) =>
          rows
            .filter(({ level }) => level === 1)
            .map(({ label }) => label)
            .join() === 'shop,api',
        'both servers',
      );
      await both.statusBar.waitFor((item) => item.text.startsWith('5/5'), 'the sum of both');
      await both.screenshot('8 two servers');
      // The folder of the window tells which servers are shown.
      assert.equal((await sidebar.rows()).filter(({ level }) => level === 1).length, 1);
      await both.sidebar.click('api');
      await both.sidebar.clickContextMenu('api', 'Stop Server');
      await both.sidebar.waitForRows((rows) => !rows.some(({ label }) => label === 'api'), 'the shop alone');
      await settled(both, 3);
      await both.close();
    });

    await step('a master that was killed, and an entry whose pid is that of another process, are nobody', async () => {
      const [name] = entries();
      const entry = JSON.parse(readFileSync(join(registry, name!), 'utf8')) as { pid: number };
      writeFileSync(join(registry, 'other.json'), JSON.stringify({ ...entry, pid: process.pid }), { mode: 0o600 });
      await waitFor(async () => !existsSync(join(registry, 'other.json')), { what: 'the end of the wrong entry' });
      assert.equal((await sidebar.rows()).filter(({ level }) => level === 1).length, 1);
      process.kill(entry.pid, 'SIGKILL');
      await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start again');
      await waitFor(async () => entries().length === 0, { what: 'the end of the entry' });
      await notifications.clearAll();
      await sidebar.clickWelcome('Start Server');
      await settled(window, 1);
    });

    await step('Terminate Task and the trash can of its terminal stop the server, and leave nothing', async () => {
      for (const end of ['Tasks: Terminate Task', 'Terminal: Kill the Active Terminal Instance']) {
        if (!(await sidebar.rows()).some(({ level }) => level === 1)) await sidebar.clickWelcome('Start Server');
        await settled(window, 1);
        const address = `http://localhost:${port}/`;
        assert.ok((await fetch(address)).ok);
        await terminal.open();
        await palette.run(end);
        if (end.startsWith('Tasks')) await palette.pick('graceful-reload: server.ts');
        await sidebar.waitForWelcome(
          ({ buttons }) => buttons.includes('Start Server'),
          `a button to start again: ${end}`,
        );
        assert.deepEqual(entries(), []);
        assert.equal((await shell(workbench, 'status')).code, 3);
        await assert.rejects(fetch(address));
      }
    });
  },
);
