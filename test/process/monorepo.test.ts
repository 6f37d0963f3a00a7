/** A pnpm workspace as people have it: a server per app, shared packages as source and as build output, no configuration. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import { build } from 'esbuild';
import { startClients } from './clients/strictClients.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const CLIENTS = ['keep-alive', 'idle keep-alive', 'per request'];

/** What `pnpm install` does. */
function workspace(t: TestContext): Project {
  const project = Project.of('monorepo', t);
  project.link('tsx');
  for (const [app, name] of [
    ['shop', 'money'],
    ['shop', 'labels'],
    ['api', 'money'],
  ]) {
    const link = project.path(`apps/${app}/node_modules/@acme/${name}`);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`../../../../packages/${name}`, link);
  }
  return project;
}

const buildLabels = (project: Project): Promise<unknown> =>
  build({
    entryPoints: [project.path('packages/labels/src/index.ts')],
    outdir: project.path('packages/labels/dist'),
    sourcemap: true,
    logLevel: 'silent',
  });

const told = async (server: Server): Promise<unknown> => (await server.ask()).body;

test('two apps and what they share, side by side: each save reloads who runs the file, 0 failed', async (t) => {
  const project = workspace(t);
  await buildLabels(project);
  const [shop, api] = await Promise.all([
    project.ready(['--workers', '2'], { cwd: 'apps/shop' }),
    project.ready([], { cwd: 'apps/api' }),
  ]);
  assert.deepEqual([shop, api].map(({ snapshot }) => snapshot.name).sort(), ['@acme/api', '@acme/shop']);
  // Each has the environment of its own folder, and no warning of what we do is among its lines.
  assert.deepEqual([await told(shop), await told(api)], [{ shop: 'costs 3 EUR' }, { api: '3 USD' }]);
  assert.deepEqual(
    [...shop.lines, ...api.lines].filter((line) => line.includes('Warning')),
    [],
  );
  const clients = [shop, api].map((server) => startClients({ host: 'localhost', port: server.port() }, 7, CLIENTS, 10));
  t.after(() => Promise.all(clients.map((each) => each.stop())));
  const served = (): Promise<unknown> => Promise.all(clients.map((each) => each.answered(2)));
  const both = async (act: () => unknown): Promise<string[]> => {
    await served();
    const reports = [shop.reloadAfter(shop.lastReload?.id), api.reloadAfter(api.lastReload?.id)];
    act();
    return (await Promise.all(reports)).map(({ result }) => result);
  };
  const price = 'packages/money/src/price.ts';

  await t.test('a shared package as source reloads both', async () => {
    assert.deepEqual(await both(() => project.replace(price, '${amount} ${currency}', '${currency} ${amount}')), [
      'done',
      'done',
    ]);
    assert.deepEqual([await told(shop), await told(api)], [{ shop: 'costs EUR 3' }, { api: 'USD 3' }]);
  });

  await t.test('broken there, both run on with what they have; mended, both have the new code', async () => {
    const good = project.read(price);
    assert.deepEqual(await both(() => project.write(price, good.replace('=>', '=> {'))), ['rejected', 'rejected']);
    for (const { lastReload } of [shop, api]) assert.equal(lastReload?.error?.file, project.path(price));
    assert.deepEqual([await told(shop), await told(api)], [{ shop: 'costs EUR 3' }, { api: 'USD 3' }]);
    assert.deepEqual(await both(() => project.write(price, good.replace('} ${', '}: ${'))), ['done', 'done']);
    assert.deepEqual([await told(shop), await told(api)], [{ shop: 'costs EUR: 3' }, { api: 'USD: 3' }]);
  });

  await t.test(
    'the source of a built package is nothing that runs; what is built from it reloads who uses it',
    async () => {
      await served();
      const before = api.snapshot.generation;
      project.replace('packages/labels/src/index.ts', 'costs', 'is');
      const report = await shop.reloadBy(() => buildLabels(project));
      assert.equal(report.result, 'done');
      assert.deepEqual(report.trigger.files, [project.path('packages/labels/dist/index.js')]);
      assert.deepEqual(await told(shop), { shop: 'is EUR: 3' });
      assert.equal(api.snapshot.generation, before);
    },
  );

  await t.test('a file of one app is nothing to the other', async () => {
    await served();
    const before = shop.snapshot.generation;
    const report = await api.reloadBy(() => project.replace('apps/api/server.js', 'price(3', 'price(4'));
    assert.equal(report.result, 'done');
    assert.deepEqual(await told(api), { api: 'USD: 4' });
    assert.equal(shop.snapshot.generation, before);
  });

  await served();
  for (const each of clients) for (const { name, failures } of await each.stop()) assert.deepEqual(failures, [], name);
});
