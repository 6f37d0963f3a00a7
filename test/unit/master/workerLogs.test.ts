import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLog, type LogWish } from '../../../src/client/readLog.ts';
import type { Group } from '../../../src/core/pool.ts';
import { WorkerLogs } from '../../../src/master/workerLogs.ts';
import { BUILD_PLACE } from '../../../src/protocol/logs.ts';
import { logText } from '../../../src/protocol/inWords.ts';

const client = {};

/** Two slots of one group that write in turn. */
function logs(): { logs: WorkerLogs; say: (slot: number, text: string, stream?: 'stdout' | 'stderr') => void } {
  const made = new WorkerLogs();
  return {
    logs: made,
    say: (slot, text, stream = 'stdout') =>
      made.keep({ group: 'web', slot, generation: 1, pid: 100 + slot }, stream, Buffer.from(text)),
  };
}

/** What a client that reads it to the end sees. */
async function all(of: WorkerLogs, wish: Partial<LogWish> = {}): Promise<string[]> {
  const server = { request: (_method: string, params: object) => of.read(params, client) as Promise<never> };
  const seen: string[] = [];
  for await (const entries of readLog(server, { lines: 100, follow: false, ...wish }))
    seen.push(...entries.map(logText));
  return seen;
}

describe('worker logs', () => {
  it('gives the last lines of all, in the order in which they came', async () => {
    const { logs: kept, say } = logs();
    say(1, 'a\nb\n');
    say(2, 'c\n', 'stderr');
    say(1, 'd\ne\n');
    assert.deepEqual(await all(kept), ['web#1 | a', 'web#1 | b', 'web#2 | c', 'web#1 | d', 'web#1 | e']);
    assert.deepEqual(await all(kept, { lines: 4 }), ['web#1 | b', 'web#2 | c', 'web#1 | d', 'web#1 | e']);
    assert.deepEqual(await all(kept, { lines: 1 }), ['web#1 | e']);
    assert.deepEqual(await all(kept, { slot: 1, lines: 3 }), ['web#1 | b', 'web#1 | d', 'web#1 | e']);
    assert.deepEqual(await all(kept, { lines: 0 }), []);
    assert.deepEqual(await all(kept, { slot: 3 }), []);
    const { blocks } = await kept.read({ lines: 2 }, client);
    assert.deepEqual(
      blocks.map(({ time: _time, ...block }) => block),
      [{ group: 'web', slot: 1, generation: 1, pid: 101, stream: 'stdout', line: 3, text: 'd\ne\n' }],
    );
  });

  it('remembers a bounded part of each slot', async () => {
    const { logs: kept, say } = logs();
    say(2, 'early\n');
    for (let index = 0; index < 30_000; index++) say(1, `${index} ${'x'.repeat(80)}\n`);
    const seen = await all(kept, { slot: 1, lines: 1_000_000 });
    assert.ok(seen.length > 2000 && seen.length < 12_000, `${seen.length}`);
    assert.match(seen.at(-1) ?? '', /^web#1 \| 29999 /);
    assert.ok(seen.every((text, index) => text.startsWith(`web#1 | ${30_000 - seen.length + index} `)));
    assert.equal((await all(kept, { lines: 1_000_000 }))[0], 'web#2 | early');
    const short = logs();
    for (let index = 0; index < 100_000; index++) short.say(1, '\n');
    assert.ok((await all(short.logs, { lines: 1_000_000 })).length < 6000, 'empty lines take memory too');
    const wide = logs();
    for (let index = 0; index < 100; index++) wide.say(1, `${index} ${'ж'.repeat(20_000)}\n`);
    const some = await all(wide.logs, { lines: 1000 });
    assert.ok(some.length > 10 && some.length <= 25, 'a character may take two bytes');
    assert.ok(some.every((text, index) => text === `web#1 | ${100 - some.length + index} ${'ж'.repeat(20_000)}`));
    const long = logs();
    for (let index = 0; index < 20; index++) long.say(1, `${index} ${'l'.repeat(200_000)}\n`);
    assert.ok((await all(long.logs, { lines: 1000 })).length <= 5, 'long lines too');
  });

  it('comes in pages, none of them long, whole and in order', async () => {
    const { logs: kept, say } = logs();
    for (let index = 0; index < 400; index++)
      say(
        1 + (index % 3),
        Array.from({ length: 100 }, (_, line) => `${index * 100 + line} ${'y'.repeat(50)}\n`).join(''),
      );
    const first = await kept.read({ lines: 39_950 }, client);
    assert.equal(first.more, true);
    assert.ok(JSON.stringify(first).length < 400_000);
    const seen = (await all(kept, { lines: 39_950 })).map((line) => Number(/\| (\d+)/.exec(line)?.[1]));
    assert.deepEqual(
      seen,
      Array.from({ length: 39_950 }, (_, index) => index + 50),
    );
  });

  it('tells one who reads slowly how much of each slot he has missed', async () => {
    const { logs: kept, say } = logs();
    say(1, 'first\n');
    say(2, 'other\n');
    const seen: string[] = [];
    let pages = 0;
    const server = {
      request: async (_method: string, params: object) => {
        if (++pages === 2) for (let index = 0; index < 60; index++) say(1, `${'z'.repeat(60_000)}\n`);
        if (pages === 3) kept.dispose();
        return (await kept.read(params, client)) as never;
      },
    };
    for await (const entries of readLog(server, { lines: 10, follow: true })) seen.push(...entries.map(logText));
    assert.deepEqual(seen.slice(0, 2), ['web#1 | first', 'web#2 | other']);
    const missed = Number(/^web#1 \| … (\d+) lines skipped$/.exec(seen[2] ?? '')?.[1]);
    assert.ok(missed > 30, seen[2]);
    assert.equal(missed + seen.length - 3, 60);
  });

  it('lets one wait for what comes, until it comes, he is gone or it is over', async () => {
    const { logs: kept, say } = logs();
    say(1, 'before\n');
    const { next } = await kept.read({ lines: 1 }, client);
    const waits = kept.read({ slot: 1, after: next, wait: true }, client);
    say(2, 'another\n');
    await new Promise(setImmediate);
    say(1, 'now\n');
    assert.equal((await waits).blocks[0]?.text, 'now\n');
    const gone = kept.read({ after: next + 2, wait: true }, client);
    kept.onGone({});
    kept.onGone(client);
    assert.deepEqual((await gone).blocks, []);
    const last = kept.read({ after: next + 2, wait: true }, client);
    kept.dispose();
    assert.equal((await last).over, true);
    assert.equal((await kept.read({ after: next + 2, wait: true }, client)).over, true);
  });

  it('forgets slots that are no more', async () => {
    const { logs: kept, say } = logs();
    say(1, 'stays\n');
    say(2, 'goes\n');
    kept.keepOnly([{ spec: { name: 'web' }, slots: [{ index: 1 }] } as unknown as Group], []);
    assert.deepEqual(await all(kept), ['web#1 | stays']);
  });

  it('keeps what builders have printed apart from a group that has their name, each as long as it is there', async () => {
    const { logs: kept, say } = logs();
    const builders = ['tsc -w', 'sass -w'];
    for (const build of builders)
      kept.keep({ ...BUILD_PLACE, build, generation: 0, pid: 7 }, 'stdout', Buffer.from(`by ${build}\n`));
    kept.keep({ group: 'build', slot: 1, generation: 1, pid: 8 }, 'stdout', Buffer.from('by a worker\n'));
    say(1, 'a\n');
    assert.deepEqual(await all(kept), [
      'build | by tsc -w',
      'build | by sass -w',
      'build#1 | by a worker',
      'web#1 | a',
    ]);
    assert.deepEqual(await all(kept, { group: 'build' }), ['build#1 | by a worker']);
    assert.deepEqual(await all(kept, { slot: 1 }), ['build#1 | by a worker', 'web#1 | a']);
    assert.deepEqual(await all(kept, { build: true }), ['build | by tsc -w', 'build | by sass -w']);
    assert.deepEqual(await all(kept, { build: 'sass -w', lines: 5 }), ['build | by sass -w']);
    kept.keepOnly([], ['tsc -w']);
    assert.deepEqual(await all(kept), ['build | by tsc -w']);
  });
});
