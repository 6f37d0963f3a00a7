/** `ready: { http }`: a worker is ready once it answers, and nobody else is asked in its place. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

/** Answers its check as `health.cjs` wants it to, and tells who asked for what. */
const PROGRAM = `
const { readFileSync } = require('node:fs');
const health = require('./health.cjs');
let asked = 0;
const answer = (request, response) => {
  const isCheck = request.url === '/health';
  if (isCheck) console.log('check', ++asked, 'of g' + process.env.GRACEFUL_RELOAD_GENERATION, 'by', request.socket.remoteAddress);
  if (!isCheck) return response.end(process.env.GRACEFUL_RELOAD_GENERATION);
  if (asked <= (health.cut ?? 0)) return request.socket.destroy();
  response.writeHead(health.status, { location: '/elsewhere' });
  response.end(health.text);
};
const server = process.env.TLS
  ? require('node:https').createServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }, answer)
  : require('node:http').createServer(answer);
server.listen(0);
`;

async function project(t: TestContext, health: object, group: object = {}): Promise<Project> {
  const made = Project.of('kinds', t);
  made.write('checked.cjs', PROGRAM);
  made.write('health.cjs', healthText(health));
  const web = { entry: './checked.cjs', ready: { http: '/health' }, ...group };
  made.write('group.cjs', `module.exports = { groups: { web: ${JSON.stringify(web)} } };\n`);
  return made;
}

const healthText = (health: object): string => `module.exports = ${JSON.stringify(health)};\n`;
const checks = (server: Server): string[] => server.lines.filter((line) => /\bcheck \d+ of/.test(line));

test('every worker is asked through a connection of its own, also in the first generation, before anybody else is', async (t) => {
  const made = await project(t, { status: 204 }, { workers: 2 });
  const server = await made.ready(['group.cjs']);
  assert.equal(checks(server).length, 2);
  for (const line of checks(server)) assert.match(line, /check 1 of g1 by 127\.0\.0\.1$/);
  assert.equal((await server.ask()).text, '1');
  const report = await server.reloadBy(() => made.write('health.cjs', healthText({ status: 302 })));
  assert.equal(report.result, 'done', 'a redirection is an answer');
  await server.settled();
  assert.equal(checks(server).filter((line) => line.includes('of g2')).length, 2);
});

test('an error answer rejects the reload with its status and text, and nobody has seen that worker', async (t) => {
  const made = await project(t, { status: 200 }, { workers: 2 });
  const server = await made.ready(['group.cjs']);
  const before = server.pids('web');
  const load = startLoad(server.port(), t);
  await load.answered(2);
  const report = await server.reloadBy(() =>
    made.write('health.cjs', healthText({ status: 503, text: 'no database\nand more' })),
  );
  assert.equal(report.result, 'rejected');
  assert.equal(
    report.error?.message,
    'web#1 answered its ready check GET /health with 503 Service Unavailable: no database',
  );
  await load.answered(5);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['1']));
  await server.settled();
  assert.deepEqual(server.pids('web'), before);
  const healed = await server.reloadBy(() => made.write('health.cjs', healthText({ status: 200, text: 'again' })));
  assert.equal(healed.result, 'done');
});

test('a first start that answers with an error is told, and the next good save starts it', async (t) => {
  const made = await project(t, { status: 500 });
  const server = await made.start(['group.cjs']);
  const { error } = await server.snapshotWith(({ state }) => state === 'failed', 'the failed start');
  assert.match(error?.message ?? '', /ready check GET \/health with 500/);
  made.write('health.cjs', healthText({ status: 200 }));
  await server.settled();
});

test('a check without an answer is repeated until there is one, and ends with the boot time-out', async (t) => {
  const made = await project(t, { status: 200, cut: 2 }, { bootTimeout: '2s' });
  const server = await made.ready(['group.cjs']);
  assert.equal(checks(server).length, 3);
  await server.line(/web#1 has not answered GET \/health yet: /);
  const report = await server.reloadBy(() => made.write('health.cjs', healthText({ status: 200, cut: 1000 })));
  assert.equal(report.error?.code, 'boot-timeout');
  await server.settled();
  assert.equal((await server.ask()).text, '1');
});

test('a server that speaks TLS is asked in TLS', async (t) => {
  const made = await project(t, { status: 200 }, { env: { TLS: '1' } });
  const server = await made.ready(['group.cjs']);
  assert.match(checks(server)[0] ?? '', /check 1 of g1/);
});
