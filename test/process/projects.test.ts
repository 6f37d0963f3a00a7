/**
 * Projects as people have them, with the script they were run by before, started with no configuration: edited, broken and
 * mended while requests run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';

interface Case {
  readonly packages: readonly string[];
  readonly entry: string;
  readonly source: string;
  readonly text: (value: string) => string;
  /** An edit of another file, and what it changes in the answer. */
  readonly other?: { readonly file: string; readonly text: string; readonly answer: readonly [string, string] };
}

const typed = (value: string): string => `export const word: string = '${value}';\n`;

const projects: Record<string, Case> = {
  'express-tsx': {
    packages: ['express', 'tsx'],
    entry: 'src/server.ts',
    source: 'src/word.ts',
    text: typed,
  },
  'fastify-env-file': {
    packages: ['fastify'],
    entry: 'src/server.js',
    source: 'src/word.js',
    text: (value) => `export const word = '${value}';\n`,
    other: { file: '.env', text: 'GREETING=good morning\n', answer: ['greeting', 'good morning'] },
  },
  'nest-swc': {
    packages: ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', '@swc-node/register'],
    entry: 'src/main.ts',
    source: 'src/word.ts',
    text: typed,
  },
  'hono-native': {
    packages: ['hono', '@hono/node-server'],
    entry: 'src/index.ts',
    source: 'src/word.ts',
    text: typed,
  },
  'socket-io': {
    packages: ['socket.io'],
    entry: 'src/server.js',
    source: 'src/word.js',
    text: (value) => `export const word = '${value}';\n`,
  },
  'koa-nodemon': {
    packages: ['koa'],
    entry: 'src/app.js',
    source: 'src/word.js',
    text: (value) => `exports.word = '${value}';\n`,
  },
};

for (const [name, { packages, entry, source, text, other }] of Object.entries(projects)) {
  test(`${name}: started with no configuration, edited, broken and mended under load, 0 failed`, async (t) => {
    const project = Project.of(`projects/${name}`, t);
    for (const each of packages) project.link(each);
    const server = await project.ready([]);
    assert.equal(server.group().entry, entry);
    assert.equal((await server.ask()).body['word'], 'one');

    const load = startLoad(server.port(), t);
    await load.answered(2);
    assert.equal((await server.reloadBy(() => project.write(source, text('two')))).result, 'done');
    assert.equal((await server.ask()).body['word'], 'two');
    if (other) {
      assert.equal((await server.reloadBy(() => project.write(other.file, other.text))).result, 'done');
      const [key, value] = other.answer;
      assert.equal((await server.ask()).body[key], value);
    }

    const broken = await server.reloadBy(() => project.write(source, text("two' +")));
    assert.equal(broken.result, 'rejected');
    assert.deepEqual([broken.error?.file, broken.error?.line], [source, 1], JSON.stringify(broken.error));
    await load.answered(2);
    assert.equal((await server.ask()).body['word'], 'two');

    assert.equal((await server.reloadBy(() => project.write(source, text('three')))).result, 'done');
    assert.equal((await server.ask()).body['word'], 'three');
    await load.answered(2);
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.deepEqual([...new Set(answers.map(({ body }) => body['word']))].sort(), ['one', 'three', 'two']);
  });
}
