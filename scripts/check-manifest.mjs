// Do the manifest, the sources and the documents tell the same story? Part of `npm run check`; needs Node 24, for it
// imports a source of ours as it is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/run.mjs';

const problems = [];
const english = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8'));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'), (_key, value) =>
  typeof value === 'string' && /^%.+%$/.test(value) ? (english[value.slice(1, -1)] ?? value) : value,
);
const { commands = [], configuration = {}, menus = {}, views = {} } = manifest.contributes ?? {};
const settings = [configuration].flat().flatMap(({ properties = {} }) => Object.keys(properties));
const commandIds = commands.map(({ command }) => command);

const contributions = join(root, 'src/extension/contributions.ts');
if (existsSync(contributions)) {
  const known = (await import(contributions)).commandIds;
  for (const id of commandIds.filter((one) => !known.includes(one)))
    problems.push(`package.json: contributions.ts lacks ${id}`);
  for (const id of known.filter((one) => !commandIds.includes(one)))
    problems.push(`contributions.ts: package.json lacks ${id}`);
}

const viewIds = Object.values(views)
  .flat()
  .map(({ id }) => id);
for (const [menu, items] of Object.entries(menus)) {
  for (const { command, when = '' } of items) {
    if (command && !commandIds.includes(command))
      problems.push(`package.json: ${menu} names the unknown command ${command}`);
    for (const [, id] of when.matchAll(/\bview == (\S+)/g)) {
      if (!viewIds.includes(id)) problems.push(`package.json: ${menu} names the unknown view ${id}`);
    }
  }
}

function document(name, expected) {
  const file = join(root, name);
  if (!existsSync(file)) return problems.push(`${name} is missing`);
  const text = readFileSync(file, 'utf8');
  for (const { what, text: wanted } of expected)
    if (!text.includes(wanted)) problems.push(`${name} does not mention ${what}`);
}

document('CHANGELOG.md', [{ what: `version ${manifest.version}`, text: `## [${manifest.version}]` }]);
document('README.md', [
  ...settings.map((id) => ({ what: `the setting ${id}`, text: id })),
  ...commands.map(({ command, title }) => ({ what: `the command ${command} by its title "${title}"`, text: title })),
]);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
