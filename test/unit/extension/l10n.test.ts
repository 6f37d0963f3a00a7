/** Every text that the extension shows, in every language that it speaks. */
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const root = join(import.meta.dirname, '../../..');
const read = (file: string): Record<string, string> =>
  JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, string>;
const placeholders = (text: string): string[] => (text.match(/\{\d+\}|\$\([\w~-]+\)|\]\(command:[\w.]+/g) ?? []).sort();

/** Texts that `t(...)` is called with. */
function textsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 't') {
      const [text] = node.arguments;
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      assert.ok(
        text && ts.isStringLiteralLike(text),
        `${file}:${line + 1}: t() needs a literal, to be found by its text`,
      );
      texts.push(text.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

const used = new Set(globSync('src/extension/**/*.ts', { cwd: root }).flatMap((file) => textsOf(join(root, file))));
const languages = (folder: string, name: RegExp): string[] =>
  readdirSync(join(root, folder)).filter((file) => name.test(file));

test('the manifest speaks through its keys, and every key has a text', () => {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const keys = new Set([...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key!));
  assert.deepEqual(Object.keys(read('package.nls.json')).sort(), [...keys].sort());
  const { contributes } = JSON.parse(manifest) as { contributes: Record<string, unknown> };
  // What the input of a tool means is told to models, in one language.
  const shown = JSON.stringify(contributes, (key, value: unknown) => (key === 'inputSchema' ? undefined : value));
  const plain = shown.match(/"(title|description|markdownDescription|contents|name)":"[^%"]*"/g);
  assert.deepEqual(
    plain?.filter((text) => !/"(Graceful Reload|graceful-reload|gracefulReload_\w+)"$/.test(text)),
    [],
    'texts of the manifest belong into package.nls.json',
  );
});

for (const file of languages('.', /^package\.nls\..+\.json$/)) {
  test(`${file} has a text for every key`, () => complete(read(file), read('package.nls.json')));
}

for (const file of languages('l10n', /^bundle\.l10n\..+\.json$/)) {
  test(`${file} has a text for everything that the code says, and for nothing else`, () =>
    complete(read(join('l10n', file)), Object.fromEntries([...used].map((text) => [text, text]))));
}

function complete(translated: Record<string, string>, english: Record<string, string>): void {
  assert.deepEqual(Object.keys(translated).sort(), Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    assert.notEqual(translated[key], '', key);
    assert.deepEqual(placeholders(translated[key]!), placeholders(text), key);
  }
}

test('there is a language beside English', () => {
  assert.deepEqual(languages('l10n', /./), ['bundle.l10n.pt-br.json']);
});
