/** The packaged extension comes up in a real VS Code: container, welcome view, commands; and nothing is left behind. */
import assert from 'node:assert/strict';
import { workbenchTest } from './harness/workbench.ts';

workbenchTest('the packaged extension is there', { fixture: 'examples/shop' }, async (workbench, window) => {
  await window.sidebar.open();
  assert.equal(await window.sidebar.title(), 'Graceful Reload: Workers');
  await window.sidebar.waitForWelcome((welcome) => welcome.buttons.includes('Start Server'), 'a button to start');
  const commands = await window.palette.commands('Graceful Reload: Start');
  assert.ok(commands.includes('Graceful Reload: Start Server'), commands.join('\n'));
  assert.ok(workbench.processes().length > 0);
  await window.screenshot('harness-welcome');
});
