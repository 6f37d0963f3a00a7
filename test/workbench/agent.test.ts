/** A coding agent beside a running server: it asks through the API of VS Code, and a person agrees where something changes. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, get, settled, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

interface Answer {
  readonly text?: string;
  readonly error?: string;
}

const port = await freePort();
const options = shopOn(port, { extensions: ['test/workbench/fixtures/agent'] });

workbenchTest('tools for coding agents', options, async (workbench, window, step) => {
  const { sidebar, palette, notifications } = window;
  let calls = 0;

  /** What the tool answers; `meanwhile` is what a person does before it can. */
  const invoke = async (tool: string, input: object, meanwhile?: () => Promise<void>): Promise<Answer> => {
    const id = `call-${++calls}`;
    await palette.run('Test: Invoke a Tool');
    await palette.answer(JSON.stringify({ id, tool: `gracefulReload_${tool}`, input }));
    await meanwhile?.();
    const file = join(workbench.folder, '..', `${id}.json`);
    await waitFor(() => Promise.resolve(existsSync(file) && readFileSync(file, 'utf8').endsWith('}')), {
      what: `the answer of ${tool}`,
    });
    return JSON.parse(readFileSync(file, 'utf8')) as Answer;
  };
  const write = (file: string, change: (text: string) => string): void => {
    const path = join(workbench.folder, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };

  // A palette that is opened before the agent is there does not list it later.
  await waitFor(async () => (await palette.commands('Test: Invoke')).includes('Test: Invoke a Tool'), {
    what: 'the agent',
  });

  await step('without a server the answer says how to start one', async () => {
    assert.match((await invoke('status', {})).text ?? '', /^No server is running.*Start Server/);
    assert.match((await invoke('wait', {})).error ?? '', /No server is running.*Start Server/);
  });

  await step('status says what runs', async () => {
    await sidebar.open();
    await sidebar.clickWelcome('Start Server');
    await settled(window, 1);
    const { text = '' } = await invoke('status', {});
    assert.match(text, new RegExp(`^shop {2}running {2}generation 1 {2}:${port}`));
    assert.match(text, /#3 +ready +g1/);
  });

  await step('after an edit wait answers once it serves', async () => {
    write('src/catalog.ts', (text) => text.replace('short and stout', 'tall and slim'));
    assert.match((await invoke('wait', { timeoutSeconds: 20 })).text ?? '', /^live: generation 2/);
    assert.match(await get(port, '/'), /tall and slim/);
    // Other extensions are told of it as well.
    const told = join(workbench.folder, '..', 'reloads');
    await waitFor(() => Promise.resolve(existsSync(told)), { what: 'onDidReload' });
    assert.deepEqual(JSON.parse(readFileSync(told, 'utf8')), {
      version: 1,
      name: 'shop',
      result: 'done',
      generation: 2,
      files: ['src/catalog.ts'],
    });
  });

  await step('a broken edit is told with its place, and the old code serves on', async () => {
    write('src/catalog.ts', (text) => text.replace('const products', 'const = products'));
    assert.match((await invoke('wait', {})).text ?? '', /^rejected: .*catalog\.ts:8/s);
    assert.match(await get(port, '/'), /tall and slim/);
    write('src/catalog.ts', (text) => text.replace('const = products', 'const products'));
    assert.match((await invoke('wait', {})).text ?? '', /^live: /);
  });

  await step('logs tells what the workers wrote', async () => {
    const { text = '' } = await invoke('logs', { group: 'web' });
    assert.match(text, new RegExp(`^web#[123] \\| listening on http://localhost:${port}$`, 'm'));
    assert.doesNotMatch(text, /ticker/);
    assert.equal((await invoke('logs', { group: 'web', slot: 2, lines: 1 })).text?.split('\n').length, 1);
    assert.match(
      (await invoke('logs', { group: 'nobody' })).error ?? '',
      /There is no group "nobody"\. Groups: web, ticker/,
    );
    assert.match((await invoke('logs', { lines: 0 })).error ?? '', /lines/);
  });

  await step('explain says what a save does', async () => {
    assert.match((await invoke('explain', { file: 'src/views/products.ts' })).text ?? '', /web/);
    assert.match((await invoke('explain', { file: 'server.ts' })).text ?? '', /restart/);
    assert.match((await invoke('explain', { file: 'nowhere.ts' })).error ?? '', /There is no file nowhere\.ts/);
  });

  await step('reload asks the person first', async () => {
    const before = (await invoke('status', {})).text;
    const answer = (button: RegExp) => async (): Promise<void> => {
      const { text, buttons } = await waitFor(() => notifications.dialog(), { what: 'the question' });
      assert.match(text, /Replace the workers of "web" one at a time/);
      await window.screenshot('8 asked before a reload');
      const label = buttons.find((one) => button.test(one));
      assert.ok(label, buttons.join());
      await notifications.clickDialog(label);
    };
    assert.equal((await invoke('reload', { group: 'web' }, answer(/Cancel|No/))).text, undefined);
    assert.equal(
      /generation (\d+)/.exec((await invoke('status', {})).text ?? '')?.[1],
      /generation (\d+)/.exec(before ?? '')?.[1],
    );
    assert.match(
      (await invoke('reload', { group: 'web' }, answer(/Yes|OK|Allow|Continue|Invoke/))).text ?? '',
      /done, 3 replaced/,
    );
  });
});
