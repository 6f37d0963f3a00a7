import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as ids from '../../../src/extension/contributions.ts';
import { configFiles } from '../../../src/detect/detect.ts';

interface Menu {
  readonly command: string;
  readonly when?: string;
  readonly group: string;
}
interface Manifest {
  readonly activationEvents: string[];
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: string[] } };
  readonly contributes: {
    readonly commands: { readonly command: string; readonly category: string; readonly enablement?: string }[];
    readonly languageModelTools: {
      readonly name: string;
      readonly inputSchema: { readonly properties: Record<string, { readonly description: string }> };
    }[];
    readonly menus: Record<string, Menu[]>;
    readonly views: Record<string, { readonly id: string }[]>;
    readonly viewsContainers: { readonly activitybar: { readonly id: string }[] };
    readonly walkthroughs: {
      readonly steps: {
        readonly description: string;
        readonly completionEvents: string[];
        readonly media: { readonly image: Record<string, string>; readonly altText: string };
      }[];
    }[];
    readonly viewsWelcome: { readonly when: string; readonly contents: string }[];
    readonly configuration: {
      readonly properties: Record<
        string,
        {
          readonly default: unknown;
          readonly scope: string;
          readonly order: number;
          readonly description?: string;
          readonly markdownDescription?: string;
        }
      >;
    };
    readonly taskDefinitions: { readonly type: string; readonly properties: Record<string, unknown> }[];
    readonly problemMatchers: {
      readonly name: string;
      readonly pattern: { readonly regexp: string };
      readonly background: { readonly beginsPattern: string; readonly endsPattern: string };
    }[];
  };
}

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
const manifest = JSON.parse(read('package.json'), (_key, value: unknown) =>
  typeof value === 'string' ? (texts[/^%(.+)%$/.exec(value)?.[1] ?? ''] ?? value) : value,
) as Manifest;
const { contributes } = manifest;
const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);

test('commands of the manifest are the ones that are registered, all in our category', () => {
  assert.deepEqual(contributes.commands.map(({ command }) => command).sort(), [...ids.commandIds].sort());
  assert.deepEqual([...new Set(contributes.commands.map(({ category }) => category))], [ids.EXTENSION_NAME]);
});

test('tools for agents are the ones that are registered, and say what they take', () => {
  const tools = contributes.languageModelTools;
  assert.deepEqual(
    tools.map(({ name }) => name),
    ids.toolIds,
  );
  for (const { inputSchema, name } of tools)
    for (const [key, { description }] of Object.entries(inputSchema.properties))
      assert.ok(description.length > 10, `${name}: ${key}`);
});

test('view, container, task type and problem matcher have the ids that the code uses', () => {
  assert.deepEqual(
    contributes.viewsContainers.activitybar.map(({ id }) => id),
    [ids.VIEW_CONTAINER],
  );
  assert.deepEqual(
    contributes.views[ids.VIEW_CONTAINER]?.map(({ id }) => id),
    [ids.SERVERS_VIEW],
  );
  assert.deepEqual(
    contributes.taskDefinitions.map(({ type }) => type),
    [ids.TASK_TYPE],
  );
  assert.deepEqual(
    contributes.problemMatchers.map(({ name }) => `$${name}`),
    [ids.PROBLEM_MATCHER],
  );
});

test('settings have the defaults that the code falls back to', () => {
  const defaults = Object.entries(contributes.configuration.properties).map(([id, { default: value }]) => [id, value]);
  const expected = Object.entries(ids.settingDefaults).map(([name, value]) => [
    `${ids.SETTINGS_SECTION}.${name}`,
    value,
  ]);
  assert.deepEqual(Object.fromEntries(defaults), Object.fromEntries(expected));
});

test('a setting that names a program cannot be set by an untrusted workspace', () => {
  assert.deepEqual(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations, ['gracefulReload.node']);
});

test('context keys in the manifest are keys that the code sets', () => {
  const clauses = [
    ...Object.values(contributes.menus)
      .flat()
      .map(({ when }) => when ?? ''),
    ...contributes.commands.map(({ enablement }) => enablement ?? ''),
    ...contributes.viewsWelcome.map(({ when }) => when),
    ...steps.flatMap(({ completionEvents }) => completionEvents.filter((event) => event.startsWith('onContext:'))),
  ];
  const used = new Set(clauses.flatMap((clause) => clause.match(/gracefulReload\.\w+/g) ?? []));
  used.delete(ids.SERVERS_VIEW);
  assert.deepEqual([...used].sort(), [...ids.contextKeys].sort());
});

test('every inline action stands in the context menu too', () => {
  const items = contributes.menus['view/item/context'] ?? [];
  const inline = items.filter(({ group }) => group.startsWith('inline'));
  for (const { command, when } of inline) {
    const again = items.find(
      (item) => item.command === command && item.when === when && !item.group.startsWith('inline'),
    );
    assert.ok(again, `${command} when ${when}`);
  }
});

test('commands that texts and menus name exist', () => {
  const named = [
    ...Object.values(contributes.menus)
      .flat()
      .map(({ command }) => command),
    ...[
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...steps.map(({ description }) => description),
    ].flatMap((one) => one.match(/(?<=command:)gracefulReload\.\w+(?!\.focus|\w)/g) ?? []),
    ...steps.flatMap(({ completionEvents }) =>
      completionEvents.flatMap((event) => event.match(/(?<=onCommand:).+/g) ?? []),
    ),
  ];
  const known: readonly string[] = ids.commandIds;
  assert.deepEqual(
    named.filter((command) => !known.includes(command)),
    [],
  );
});

test('the walkthrough has a picture of each step for every kind of theme, with a text for those who do not see it', () => {
  for (const { media } of steps) {
    assert.deepEqual(Object.keys(media.image), ['light', 'dark', 'hc', 'hcLight']);
    for (const file of Object.values(media.image))
      assert.ok(existsSync(new URL(`../../../${file}`, import.meta.url)), file);
    assert.notEqual(media.altText, '');
  }
});

test('commands are offered only where they make sense', () => {
  // What acts on a running server is greyed out, and not in the palette, while none runs.
  // A launch configuration may ask for the port right after it has started the server.
  const always = ['gracefulReload.start', 'gracefulReload.showLog', 'gracefulReload.inspectPort'];
  for (const { command, enablement } of contributes.commands)
    if (!always.includes(command)) assert.match(enablement ?? '', /gracefulReload\.|isWorkspaceTrusted/, command);
  for (const { command, when } of contributes.menus['view/item/context'] ?? [])
    assert.match(when ?? '', /^view == gracefulReload\.servers && viewItem (=~|==) /, command);
  for (const { command, when } of contributes.menus['view/title'] ?? [])
    assert.match(when ?? '', /^view == gracefulReload\.servers/, command);
});

test('every setting is documented, scoped and ordered', () => {
  const settings = Object.entries(contributes.configuration.properties);
  for (const [id, { description, markdownDescription, scope }] of settings) {
    assert.ok((description ?? markdownDescription ?? '').length > 20, id);
    assert.ok(['resource', 'window', 'machine-overridable'].includes(scope), id);
  }
  assert.deepEqual(
    settings.map(([, { order }]) => order),
    settings.map((_, index) => index + 1),
  );
});

test('the task offers the properties of the contract that the command line knows', () => {
  const contract =
    'script command workers name order drainTimeout bootTimeout spares watch reloadOn include exclude poll envFile node nodeArgs args cwd env inspect build'.split(
      ' ',
    );
  assert.deepEqual(Object.keys(contributes.taskDefinitions[0]!.properties).sort(), contract.sort());
});

test('the extension wakes up for every configuration file that detection knows', () => {
  for (const file of configFiles) assert.ok(manifest.activationEvents.includes(`workspaceContains:${file}`), file);
});

// The lines are the master's. Were `pattern` to match one, every problem would stand twice: our diagnostics know more
// (the chain of imports, that the old workers serve on) and clear by themselves. So it matches none of them.
const { pattern, background } = contributes.problemMatchers[0]!;
const begins = [
  'graceful-reload  shop  starting',
  'graceful-reload  g2  web.ts saved  → reloading web',
  'graceful-reload  g4  restart asked for  → restarting shop',
];
const ends = [
  'graceful-reload  shop  g1  2 groups, 5 workers  http://localhost:3000  ready in 412 ms',
  'graceful-reload  g2  web 4/4 done in 430 ms, first answer after 41 ms, 6 connections moved',
  'graceful-reload  g3  rejected: SyntaxError: message at src/web.ts:12:9',
  'graceful-reload  g2  superseded by g3',
  'graceful-reload  shop  failed: port 3000 is taken',
  'graceful-reload  shop  stopped',
];
const others = [
  'web#1   | GET / 200',
  'web#1   | a program may say: done in 3 s, ready in 2 s',
  'graceful-reload  web#2  exited with code 1',
];

/** As the terminal gets them when it has colours. */
function coloured(line: string): string {
  return line.replace('graceful-reload', '\u001b[36mgraceful-reload\u001b[39m');
}

test('background patterns know the lines on which work begins and ends', () => {
  const begin = new RegExp(background.beginsPattern);
  const end = new RegExp(background.endsPattern);
  for (const line of [...begins, ...begins.map(coloured)])
    assert.deepEqual([begin.test(line), end.test(line)], [true, false], line);
  for (const line of [...ends, ...ends.map(coloured)])
    assert.deepEqual([begin.test(line), end.test(line)], [false, true], line);
  for (const line of others) assert.deepEqual([begin.test(line), end.test(line)], [false, false], line);
});

test('the error pattern matches no line of the master, so no problem is shown twice', () => {
  for (const line of [...begins, ...ends, ...others]) assert.doesNotMatch(line, new RegExp(pattern.regexp));
});
