import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { errorInfo, type Failure } from '../../../src/master/errors.ts';
import type { ErrorInfo } from '../../../src/protocol/status.ts';

/** Tells what the preload of a worker tells. */
const TELL = `process.on('uncaughtExceptionMonitor', (error) => {
  const { message, stack, code } = error instanceof Error ? error : new Error(String(error));
  process.stdout.write(JSON.stringify({ message, stack: stack ?? null, code: code ?? null }));
});`;

let folder = '';

/** What becomes of the very words of this Node. */
async function errorOf(
  entry: string,
  files: Record<string, string>,
  loaded: readonly string[] = [],
): Promise<ErrorInfo> {
  const own = mkdtempSync(join(folder, 'program-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), content);
  }
  const child = spawn(process.execPath, ['--require', join(folder, 'tell.cjs'), entry], {
    cwd: own,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return errorInfo(
    JSON.parse(stdout) as Failure,
    stderr,
    (path) => relative(own, path),
    loaded.map((name) => join(own, name)),
  );
}

const place = ({ file, line, column }: ErrorInfo): string => [file, line, column].join(':');

describe('what a program failed of, and where', { concurrency: true }, () => {
  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'errors-')));
    writeFileSync(join(folder, 'tell.cjs'), TELL);
    // The master is bundled as CommonJS, next to the preload that does not count as a place.
    Object.assign(globalThis, { __dirname: join(folder, 'dist') });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('a place that a loader of plugins has added to the message is not told twice', async () => {
    const error = await errorOf('app.cjs', {
      'app.cjs':
        'const file = require.resolve("./route.cjs");\n' +
        'try {\n  require(file);\n} catch (error) {\n  error.message += ` at ${file}:2`;\n  throw error;\n}\n',
      'route.cjs': '\n}}\n',
    });
    assert.deepEqual([place(error), error.message], ['route.cjs:2:1', "SyntaxError: Unexpected token '}'"]);
  });

  it('a brace that is never closed: the end of the file, where Node has nothing to put a caret under', async () => {
    const open = 'function one() {\n  two();\n';
    for (const [name, content, expected] of [
      ['main.cjs', open, 'main.cjs:3:1'],
      ['main.cjs', open.trimEnd(), 'main.cjs:2:9'],
      ['main.mjs', open, 'main.mjs:3:1'],
      ['main.mjs', open.trimEnd(), 'main.mjs:2:9'],
      ['main.cts', open, 'main.cts:2:1'],
    ] as const)
      assert.equal(place(await errorOf(name, { [name]: content })), expected, JSON.stringify([name, content]));
  });

  it('a package that package.json names and that is not installed: which command installs it', async () => {
    const manifest = JSON.stringify({ dependencies: { '@shop/stock': '1' }, devDependencies: { tsx: '4' } });
    const at = { 'package.json': manifest };
    for (const [entry, files, expected] of [
      ['app.mjs', { 'app.mjs': "import '@shop/stock/list';\n" }, 'npm install'],
      ['src/app.cjs', { 'src/app.cjs': "require('tsx');\n", 'pnpm-lock.yaml': '' }, 'pnpm install'],
      ['app.cjs', { 'app.cjs': "require('tsx/no');\n", 'node_modules/tsx/package.json': '{}' }, undefined],
      ['app.mjs', { 'app.mjs': "import 'other';\n" }, undefined],
      ['app.mjs', { 'app.mjs': "import './tsx';\n" }, undefined],
    ] as const) {
      const { message } = await errorOf(entry, { ...at, ...files });
      const [, command] = /\. package\.json names it, but it is not installed: run (.+)$/.exec(message) ?? [];
      assert.equal(command, expected, message);
    }
  });

  it('a source in a bundle of webpack, which Node names by its URL there', async () => {
    // Line 1 stands for line 3 of the source.
    const map = {
      version: 3,
      names: [],
      sources: ['webpack://shop/boot', 'webpack://shop/./src/word.ts'],
      mappings: 'ACEA',
    };
    const data = Buffer.from(JSON.stringify(map)).toString('base64');
    const error = await errorOf(
      'main.cjs',
      {
        'main.cjs': "process.setSourceMapsEnabled(true);\nrequire('./dist/main.cjs');\n",
        'dist/main.cjs': `throw new Error('boom');\n//# sourceMappingURL=data:application/json;base64,${data}\n`,
        'src/word.ts': "\n\nthrow new Error('boom');\n",
        'node_modules/late/src/word.ts': '',
      },
      ['main.cjs', 'dist/main.cjs', 'node_modules/late/index.js'],
    );
    assert.match(error.stack ?? '', /webpack:\/\/shop/, 'as Node tells it');
    assert.deepEqual([place(error), error.message], ['src/word.ts:3:1', 'Error: boom']);
  });

  it('a package.json that does not parse, with which Node runs nothing', async () => {
    const error = await errorOf('main.cjs', {
      'main.cjs': "require('./part/part.cjs');\n",
      'part/part.cjs': "require('nothing');\n",
      'part/package.json': '{\n  "type": "module",\n}\n',
    });
    assert.equal(place(error), 'part/package.json:3:1', JSON.stringify(error));
    assert.match(error.message, /^Error: Invalid package config .*package\.json/);
  });

  it('a syntax error in TypeScript that SWC compiles', async () => {
    const loader = fileURLToPath(import.meta.resolve('@swc-node/register'));
    const error = await errorOf('main.cjs', {
      'main.cjs': `require(${JSON.stringify(loader)});\nrequire('./part.ts');\n`,
      'part.ts': 'export const a = 1;\nexport const b: number = ;\n',
    });
    assert.deepEqual([place(error), error.message], ['part.ts:2:26', 'Error: Expression expected']);
  });

  it('a syntax error in a CommonJS module', async () => {
    const error = await errorOf('main.cjs', {
      'main.cjs': "require('./part.cjs');\n",
      'part.cjs': 'const a = 1;\nconst b = ;\n',
    });
    assert.equal(place(error), 'part.cjs:2:11');
    assert.equal(error.message, "SyntaxError: Unexpected token ';'");
    assert.equal(error.code, 'rejected');
  });

  it('a syntax error in an ES module', async () => {
    const error = await errorOf('main.mjs', {
      'main.mjs': "import './part.mjs';\n",
      'part.mjs': 'const a = 1;\n\nconst b = ;\n',
    });
    assert.equal(place(error), 'part.mjs:3:11');
    assert.match(error.message, /^SyntaxError: Unexpected token/);
  });

  it('a syntax error in TypeScript', async () => {
    const error = await errorOf('main.mts', {
      'main.mts': "import './part.mts';\n",
      'part.mts': 'const a: number = 1;\nconst b: = 2;\n',
    });
    assert.equal(error.file, 'part.mts');
    assert.equal(error.line, 2);
  });

  it('an error that is thrown while a module is evaluated', async () => {
    for (const [entry, part] of [
      ['main.mjs', 'part.mjs'],
      ['main.cjs', 'part.cjs'],
    ] as const) {
      const load = entry.endsWith('mjs') ? `import './${part}';` : `require('./${part}');`;
      const error = await errorOf(entry, {
        [entry]: `${load}\n`,
        [part]: "const port = 1;\n  throw new TypeError('no port');\n",
      });
      assert.equal(place(error), `${part}:2:9`);
      assert.equal(error.message, 'TypeError: no port');
      assert.match(error.stack ?? '', /TypeError: no port\n +at /);
    }
  });

  it('a folder and files whose names have blanks and parentheses in them', async () => {
    const name = 'my (own) part.js';
    const thrown = "\nfunction fail() {\n  throw new Error('no');\n}\n";
    const cases = [
      `${thrown}fail();\n`,
      "\n\n  throw new Error('no');\n",
      `${thrown}async function boot() {\n  await null;\n  fail();\n}\nvoid boot();\n`,
      `\n${thrown.trim()}\neval('fail()');\n`,
    ];
    for (const kind of ['cjs', 'mjs'])
      for (const content of cases) {
        const part = `a folder/${name.replace('js', kind)}`;
        const load = kind === 'mjs' ? `import './${part}';` : `require('./${part}');`;
        const error = await errorOf(`main.${kind}`, { [`main.${kind}`]: load, [part]: content });
        assert.equal(`${error.file}:${error.line}`, `${part}:3`);
      }
  });

  it('imports that Node refuses by other words: the line that asks', async () => {
    const cases: [string, string][] = [
      ["import './folder';", 'ERR_UNSUPPORTED_DIR_IMPORT'],
      ["import 'shut/deep/part.js';", 'ERR_PACKAGE_PATH_NOT_EXPORTED'],
      ["import 'shut';", 'ERR_PACKAGE_PATH_NOT_EXPORTED'],
      ["import '#inner';", 'ERR_PACKAGE_IMPORT_NOT_DEFINED'],
      ["import './a%2Fb.mjs';", 'ERR_INVALID_MODULE_SPECIFIER'],
    ];
    for (const [line, code] of cases) {
      const error = await errorOf('main.mjs', {
        'main.mjs': `import 'node:fs';\n\n${line}\n`,
        'package.json': '{}',
        'folder/index.js': '',
        'node_modules/shut/package.json': '{"name":"shut","exports":{"./only":"./only.js"}}',
      });
      assert.equal(error.code, code);
      assert.equal(place(error), 'main.mjs:3:1', code);
    }
  });

  it('an error that a dependency throws: the line that called it', async () => {
    const error = await errorOf('main.cjs', {
      'main.cjs': "const { check } = require('checker');\n\ncheck();\n",
      'node_modules/checker/index.js': "exports.check = () => { throw new Error('wrong'); };\n",
    });
    assert.equal(place(error), 'main.cjs:3:1');
  });

  it('a module that is not there: the line that asks for it', async () => {
    const esm = await errorOf('main.mjs', { 'main.mjs': "\n\nimport './gone.mjs';\n" });
    assert.equal(place(esm), 'main.mjs:3:1');
    assert.equal(esm.code, 'ERR_MODULE_NOT_FOUND');
    assert.match(esm.message, /^Error: Cannot find module/);
    const cjs = await errorOf('main.cjs', { 'main.cjs': "\nrequire('./gone.cjs');\n" });
    assert.equal(cjs.file, 'main.cjs');
    assert.equal(cjs.line, 2);
    assert.equal(cjs.code, 'MODULE_NOT_FOUND');
    assert.ok(!cjs.message.includes('\n'), 'one line');
  });

  it('a package that is not there', async () => {
    const error = await errorOf('main.mjs', {
      'main.mjs': "import fs from 'node:fs';\nimport express from 'not-installed';\n",
    });
    assert.equal(error.file, 'main.mjs');
    assert.equal(error.line, 2);
  });

  it('a name that is not exported', async () => {
    const error = await errorOf('main.mjs', {
      'main.mjs': "\nimport { gone } from './part.mjs';\n",
      'part.mjs': 'export const a = 1;\n',
    });
    assert.equal(error.file, 'main.mjs');
    assert.equal(error.line, 2);
    assert.match(error.message, /does not provide an export named 'gone'/);
  });

  it('a rejection that nobody handles', async () => {
    const error = await errorOf('main.mjs', {
      'main.mjs': "async function boot() {\n  throw new Error('no database');\n}\nvoid boot();\n",
    });
    assert.equal(place(error), 'main.mjs:2:9');
  });

  it('an address that is taken: the code of the system', async () => {
    const listen =
      "const { createServer } = require('node:net');\nconst first = createServer().listen(0, () => {\n  createServer().listen(first.address().port);\n});\n";
    const error = await errorOf('main.cjs', { 'main.cjs': listen });
    assert.equal(error.code, 'EADDRINUSE');
    assert.match(error.message, /^Error: listen EADDRINUSE: address already in use/);
  });

  it('something that is no error at all', async () => {
    const error = await errorOf('main.cjs', { 'main.cjs': "\nthrow 'a string';\n" });
    assert.match(error.message, /a string/);
    assert.equal(error.code, 'rejected');
  });

  it('nothing but an exit code', () => {
    const failure = { message: 'web#1 exited with code 3 before it was ready', stack: null, code: null };
    assert.deepEqual(
      errorInfo(failure, 'some output\n', (path) => path),
      {
        code: 'rejected',
        message: 'web#1 exited with code 3 before it was ready',
        file: null,
        line: null,
        column: null,
        stack: null,
      },
    );
  });

  it('is the place in a JSON file, not the one that loads it', async () => {
    const long = 'x'.repeat(60);
    for (const [entry, load] of [
      ['app.cjs', "require('./settings.json');\n"],
      ['app.mjs', "import './settings.json' with { type: 'json' };\n"],
    ] as const) {
      const inside = await errorOf(entry, {
        [entry]: load,
        'settings.json': `{\n  "first": 1,\n  "second": ,\n  "third": "${long}"\n}\n`,
      });
      assert.equal(place(inside), 'settings.json:3:13');
      const atEnd = await errorOf(entry, { [entry]: load, 'settings.json': '{ "first": 1,\n' });
      assert.equal(place(atEnd).split(':')[0], 'settings.json');
    }
  });
});
