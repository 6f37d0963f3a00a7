/** tasks.json is edited while its server runs: what differs is flagged, and one click applies it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLoad } from '../process/harness/requests.ts';
import { freePort, pidsOf, settled, shell, workersOf } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();
const FILE = '.vscode/tasks.json';

/** Its variables have to come out as VS Code replaces them: else there would be a flag from the start. */
const TASKS = `{
  "version": "2.0.0",
  "tasks": [
    {
      // The server.
      "label": "serve",
      "type": "graceful-reload",
      "script": "app.cjs",
      "workers": 2,
      "args": ["\${workspaceFolder}/app.cjs", "\${env:LEVEL}"],
      "env": { "PORT": "${port}", "HERE": "\${workspaceFolderBasename}" },
      "problemMatcher": "$graceful-reload"
    },
    { "label": "ask", "type": "shell", "command": "curl -sS localhost:${port}", "dependsOn": "serve", "problemMatcher": [] }
  ]
}
`;

workbenchTest(
  'a task that is edited while its server runs',
  {
    fixture: 'test/process/fixtures/cjs',
    env: { LEVEL: 'high' },
    prepare: (folder) => {
      mkdirSync(join(folder, '.vscode'));
      writeFileSync(join(folder, FILE), TASKS);
    },
  },
  async (workbench, window, step) => {
    const { sidebar, statusBar, problems, editor, notifications, palette, terminal } = window;
    const workers = (generation: number, slots: number) => settled(window, generation, { group: 'main', slots });
    const ours = async () => (await problems.list()).filter(({ source }) => source === 'graceful-reload');
    const flag = (what: RegExp) => sidebar.waitForRow(what);
    const noFlag = () =>
      sidebar.waitForRows((rows) => !rows.some(({ label }) => label.startsWith('Needs restart')), 'no flag');
    const masterPid = async () =>
      (JSON.parse((await shell(workbench, 'status', '--json')).stdout) as { pid: number }).pid;

    await step('an edit is flagged with the option and its line, and goes away when it is undone', async () => {
      await sidebar.open();
      await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
      await sidebar.clickWelcome('Start Server');
      const before = await workers(1, 2);
      await editor.open(FILE);
      await noFlag();
      await editor.edit(FILE, (text) => text.replace('"workers": 2', '"workers": 3'));
      await flag(/^\.vscode\/tasks\.json changed \d\d:\d\d · start options: workers$/);
      await statusBar.waitFor((item) => item.background === 'warning', 'the status bar to warn');
      await problems.waitFor((all) => all.some(({ source }) => source === 'graceful-reload'), 'the problem');
      const [problem] = await ours();
      assert.deepEqual([problem?.file, problem?.line, problem?.severity], ['tasks.json', 9, 'warning']);
      assert.match(problem?.message ?? '', /needs a restart \(start options: workers\)/);
      assert.match(await editor.badge(), /↻/);
      const told = await notifications.waitFor(/^\.vscode\/tasks\.json has changed/);
      assert.deepEqual(told.buttons, ['Restart Server', "Don't Show Again"], 'there is no text to compare with');
      await window.screenshot('10 task edited');
      await notifications.clearAll();
      assert.deepEqual((await editor.quickFixes(9)).slice(0, 1), ['Restart server']);
      await window.page.keyboard.press('Escape');
      await editor.edit(FILE, (text) => text.replace('"workers": 3', '"workers": 2'));
      await noFlag();
      assert.deepEqual(pidsOf(workersOf(await sidebar.rows(), 'main')), pidsOf(before), 'no worker was touched');
    });

    await step('an edited setting is flagged where it stands', async () => {
      const settings = '.vscode/settings.json';
      const text = '{\n  // Logs.\n  "gracefulReload.exclude": ["logs/**"]\n}\n';
      writeFileSync(join(workbench.folder, settings), text);
      await flag(/^\.vscode\/settings\.json changed \d\d:\d\d · start options: exclude$/);
      await problems.waitFor((all) => all.some(({ source }) => source === 'graceful-reload'), 'the problem');
      const [problem] = await ours();
      assert.deepEqual([problem?.file, problem?.line], ['settings.json', 3]);
      await notifications.clearAll();
      writeFileSync(join(workbench.folder, settings), '{}\n');
      await noFlag();
    });

    await step('Restart Server applies it without downtime', async () => {
      const pid = await masterPid();
      await editor.edit(FILE, (text) => text.replace('"workers": 2', '"workers": 3'));
      await flag(/start options: workers$/);
      const cleanUp: (() => void)[] = [];
      const load = startLoad(port, { after: (end) => cleanUp.push(end as () => void) }, '/', 2);
      try {
        await load.answered(5);
        await sidebar.clickInline('Needs restart (1)', 'Restart Server');
        await workers(2, 3);
        await load.answered(5);
      } finally {
        for (const end of cleanUp) end();
      }
      assert.deepEqual((await load.stop()).failures, [], 'no request failed');
      assert.equal(await masterPid(), pid, 'the master stays');
      await noFlag();
      await problems.waitFor((all) => all.every(({ source }) => source !== 'graceful-reload'), 'no problem of ours');
      await notifications.clearAll();
      await window.screenshot('10 task applied');
    });

    await step(
      'a flag that is told to a server outlives a window reload, and what is undone meanwhile is noticed',
      async () => {
        await editor.edit(FILE, (text) => text.replace('"workers": 3', '"workers": 4'));
        await flag(/start options: workers$/);
        await window.reload();
        await sidebar.open();
        await flag(/start options: workers$/);
        writeFileSync(join(workbench.folder, FILE), TASKS.replace('"workers": 2', '"workers": 3'));
        await noFlag();
        await notifications.clearAll();
      },
    );

    await step('another Node takes a stop and a start, and a question says so', async () => {
      const pid = await masterPid();
      await editor.edit(FILE, (text) =>
        text.replace('"workers": 3', `"workers": 1,\n      "node": ${JSON.stringify(process.execPath)}`),
      );
      await flag(/start options: workers · with a stop and a start: node$/);
      await notifications.clearAll();
      await window.screenshot('10 another Node');
      await sidebar.clickInline('Needs restart (1)', 'Restart Server');
      const dialog = await waitFor(() => notifications.dialog(), { what: 'the question' });
      assert.match(dialog.text, /node needs another process: the server stops, then starts/);
      assert.ok(dialog.buttons.includes('Stop and Start'), dialog.buttons.join());
      await window.screenshot('10 stop and start');
      await notifications.clickDialog('Stop and Start');
      await workers(1, 1);
      await noFlag();
      assert.notEqual(await masterPid(), pid);
      await terminal.waitForText(/--workers 1 [^]*ready in/);
    });

    await step('a task that depends on ours runs once the server is ready', async () => {
      await sidebar.clickTitle('Stop Server');
      await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
      await palette.run('Tasks: Run Task');
      await palette.pick('ask');
      await terminal.waitForText(/"message": ?"one"/);
    });
  },
);
