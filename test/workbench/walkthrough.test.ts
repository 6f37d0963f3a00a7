/** The first minutes in a project of one's own: a plain Express program, nothing configured, and the walkthrough beside it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, freePort, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();

const files = {
  'package.json': JSON.stringify({ name: 'my-api', type: 'module', scripts: { start: 'node app.js' } }, undefined, 2),
  'app.js': `import express from 'express';
import { users } from './routes/users.js';

const app = express();
app.use('/users', users);
app.listen(process.env.PORT, () => console.log('listening'));
`,
  'routes/users.js': `import { Router } from 'express';

export const users = Router();
users.get('/', (request, response) => response.json(['Ada']));
`,
};

const options = shopOn(port, {
  settings: { 'workbench.colorTheme': 'Default Dark Modern' },
  prepare: (folder) => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    mkdirSync(join(folder, 'routes'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  },
});

workbenchTest('the walkthrough', options, async (workbench, window, step) => {
  const { walkthrough, sidebar, editor, history, palette, problems, notifications } = window;
  const title = 'Get started with Graceful Reload';
  const steps = [
    { name: 'Start your server', picture: 'start', button: 'Start Server' },
    { name: 'Save a file', picture: 'save', button: 'Show Workers' },
    { name: 'See what needs a restart', picture: 'restart', button: 'Restart Server' },
    { name: 'See what happened', picture: 'history', button: 'Show Reload History' },
    { name: 'Keep it with your project', picture: 'tasks', button: 'Add to tasks.json' },
  ];
  const upTo = (count: number): string[] => steps.slice(0, count).map(({ name }) => name);

  await step('each step has a text, a button and its picture', async () => {
    await walkthrough.open(title);
    assert.deepEqual(
      (await walkthrough.steps()).map((one) => one.title),
      upTo(steps.length),
    );
    for (const { name, picture, button } of steps) {
      const shown = await walkthrough.show(name, `${picture}-dark.png`);
      assert.deepEqual(shown.buttons, [button]);
      assert.ok(shown.text.length > name.length + button.length + 20, shown.text);
      assert.notEqual(shown.alt, '');
      assert.deepEqual(await walkthrough.cut(), [], 'titles fit into their lines');
    }
    assert.deepEqual(await walkthrough.done(), []);
    await window.screenshot('11 walkthrough');
  });

  await step('Start Server runs what package.json starts', async () => {
    await walkthrough.show('Start your server', 'start-dark.png');
    await walkthrough.click('Start Server');
    await answers(port, '/users', /Ada/);
    await walkthrough.waitForDone(upTo(1));
  });

  await step('Open in Browser opens its address', async () => {
    const opened = window.page.context().waitForEvent('page');
    await palette.run('Graceful Reload: Open in Browser');
    const page = await opened;
    // A VS Code in a browser forwards the port, and names it in the path.
    await page.waitForURL((url) => `${url.host}${url.pathname}`.includes(String(port)));
    await page.close();
  });

  await step('Show Workers opens the view, and a save is the next step done', async () => {
    await walkthrough.show('Save a file', 'save-dark.png');
    await walkthrough.click('Show Workers');
    const [server] = await sidebar.waitForRows((rows) => rows.length > 0, 'the server in the view');
    assert.equal(server?.label, 'my-api');
    await settled(window, 1, { group: 'main', slots: 1 });
    await editor.edit('routes/users.js', (text) => text.replace('Ada', 'Grace'));
    await answers(port, '/users', /Grace/);
    await settled(window, 2, { group: 'main', slots: 1 });
    await walkthrough.open(title);
    await walkthrough.waitForDone(upTo(2));
  });

  await step('a program without a bootstrap script needs no restart; asking for one does for the step', async () => {
    await walkthrough.show('See what needs a restart', 'restart-dark.png');
    await walkthrough.click('Restart Server');
    await settled(window, 3, { group: 'main', slots: 1 });
    await walkthrough.waitForDone(upTo(3));
    await answers(port, '/users', /Grace/);
  });

  await step('Show Reload History opens the page', async () => {
    await walkthrough.show('See what happened', 'history-dark.png');
    await walkthrough.click('Show Reload History');
    await waitFor(async () => (await history.title()) === 'my-api', { what: 'the page' });
    await window.screenshot('11 first history');
    await walkthrough.open(title);
    await walkthrough.waitForDone(upTo(4));
  });

  await step('Add to tasks.json writes the task, and nothing is left to do', async () => {
    await walkthrough.show('Keep it with your project', 'tasks-dark.png');
    await walkthrough.click('Add to tasks.json');
    await waitFor(async () => (await editor.active()) === 'tasks.json', { what: 'tasks.json' });
    const file = join(workbench.folder, '.vscode', 'tasks.json');
    await waitFor(() => existsSync(file) && /"script": "app\.js"/.test(readFileSync(file, 'utf8')), {
      what: 'the task in the file',
    });
    await walkthrough.open(title);
    await walkthrough.waitForDone(upTo(5));
  });

  await step('tasks.json is checked while one types', async () => {
    await editor.change('.vscode/tasks.json', (text) =>
      text.replace('"isBackground"', '"workers": 4, "order": "start-frist", "isBackground"'),
    );
    const found = await problems.waitFor((all) => all.some(({ file }) => file === 'tasks.json'), 'the problem');
    assert.deepEqual(
      found.map(({ message }) => message),
      ['Value is not accepted. Valid values: "auto", "start-first", "stop-first".'],
    );
    await palette.run('File: Revert File');
    await problems.waitFor((all) => all.length === 0, 'no problem');
    assert.deepEqual(await notifications.list(), []);
    await palette.run('Graceful Reload: Stop Server');
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start again');
  });
});
