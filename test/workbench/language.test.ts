/** In Brazilian Portuguese: what the manifest says, what the code says, and what the history page is told. */
import assert from 'node:assert/strict';
import { freePort, shopOn } from './harness/shop.ts';
import { waitFor } from './harness/waitFor.ts';
import { workbenchTest } from './harness/workbench.ts';

const port = await freePort();

workbenchTest('the extension in another language', shopOn(port), async (workbench, english, step) => {
  await english.sidebar.open();
  await english.sidebar.waitForWelcome(({ buttons }) => buttons.includes('Start Server'), 'a button to start');
  const window = await workbench.openWindow(workbench.folder, 'pt-br');
  const { sidebar, statusBar, editor, notifications, palette, history } = window;

  await step('the welcome text and the buttons', async () => {
    await sidebar.open();
    await sidebar.waitForWelcome(
      ({ text, buttons }) => /^Nenhum servidor/.test(text) && buttons.includes('Iniciar servidor'),
      'a button to start',
    );
    await sidebar.clickWelcome('Iniciar servidor');
    await statusBar.waitFor(
      ({ ariaLabel }) => ariaLabel === 'shop: em execução, 4 de 4 workers prontos',
      'the status bar',
    );
    assert.deepEqual((await sidebar.titleActions()).slice(0, 3), [
      'Recarregar workers',
      'Reiniciar servidor',
      'Parar servidor',
    ]);
  });

  await step('rows, their menus and tooltips', async () => {
    await sidebar.waitForRow(/^1 pronto · g1/);
    assert.deepEqual(await sidebar.contextMenu(/^1 pronto/), ['Recarregar worker', 'Mostrar log', 'Anexar depurador']);
    assert.match(await sidebar.tooltip(/^1 pronto/), /Requisições/);
  });

  await step('an edit that needs a restart, and one that is refused', async () => {
    await editor.edit('server.ts', (text) =>
      text.replace('reloadable: false', 'reloadable: false, drainTimeout: 2000'),
    );
    await sidebar.waitForRow(/^server\.ts alterado às \d\d:\d\d · script de inicialização$/);
    const { buttons } = await notifications.waitFor(/^server\.ts foi alterado/);
    assert.equal(buttons[0], 'Reiniciar servidor');
    await notifications.clearAll();
    await editor.edit('src/catalog.ts', (text) => text.replace('return products;', 'return products products;'));
    await sidebar.waitForRow(/^shop rejeitado, executando o código de \d\d:\d\d/);
    await notifications.clearAll();
    await window.screenshot('13 in Portuguese');
  });

  await step('the history page', async () => {
    await palette.run('Graceful Reload: Mostrar histórico de recargas');
    await waitFor(async () => (await history.title()) === 'shop', { what: 'the page' });
    await history.waitForBars(
      (bars) => bars.some(({ title }) => /^Worker 2 de web, geração 1, /.test(title)),
      'the bars',
    );
    assert.match((await history.reloads())[0]?.[3] ?? '', /^rejeitad/);
    await window.screenshot('13 history in Portuguese');
    await sidebar.clickTitle('Parar servidor');
    await sidebar.waitForWelcome(({ buttons }) => buttons.includes('Iniciar servidor'), 'the end of the server');
  });
});
