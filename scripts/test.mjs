// Runs the test suites and counts: the last line is `N passed, N failed`.
//
//   node scripts/test.mjs [unit] [process] [workbench] [--node VERSION] [--verbose] [part of a file name ...]
//
// unit       src/core and other pure code
// process    real processes of the built program. All of it on Node 24; files named *.matrix.test.ts on every supported
//            Node line too. --node runs all of it on one version instead. GR_TEST_NODE names the binary under test.
// workbench  the packaged extension in a real VS Code
//
// Each file runs in a process of its own, with a time limit, and must leave no process behind.
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join, relative } from 'node:path';
import { run as runTests } from 'node:test';
import { inspect, parseArgs } from 'node:util';
import { build } from './build.mjs';
import { endAll, marked } from './lib/guarded.mjs';
import { onNode24 } from './lib/install.mjs';
import { root } from './lib/run.mjs';
import { buildPackage } from './package.mjs';
import { ensureBuilders, ensureChromium, ensureCodeServer, ensureNode, nodeVersions } from './testbed.mjs';

const markName = 'GRACEFUL_RELOAD_TEST_RUN';
const minutes = 60_000;

/** `lanes`: how many files of the suite run at a time. */
const suites = {
  unit: { limit: 2 * minutes, lanes: 2 },
  // Its files wait for most of their time, for processes and deadlines.
  process: { limit: 4 * minutes, lanes: 3 },
  workbench: { limit: 8 * minutes, lanes: 1 },
};

const filesOf = (suite, filters, pattern = '*.test.ts') =>
  fs
    .globSync(`test/${suite}/**/${pattern}`, {
      cwd: root,
      exclude: (path) => /(^|\/)(fixtures|node_modules)(\/|$)/.test(path),
    })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .map((file) => join(root, file))
    // The longest ones, which size tells well enough, first: no lane is to wait for the last file of another one.
    .sort((a, b) => fs.statSync(b).size - fs.statSync(a).size);

/** What to run: [{title, suite, files, node?}], in order. */
function plan(chosen, version, filters) {
  const runs = [];
  for (const suite of chosen) {
    const node = suite === 'process' ? (version ?? '24') : undefined;
    runs.push({ title: node ? `${suite} on Node ${node}` : suite, suite, node, files: filesOf(suite, filters) });
    if (suite !== 'process' || version) continue;
    for (const other of nodeVersions.filter((one) => one !== '24')) {
      const files = filesOf(suite, filters, '*.matrix.test.ts');
      runs.push({ title: `${suite} on Node ${other}`, suite, node: other, files });
    }
  }
  // With a filter it is enough that some suite has such a file.
  return filters.length > 0 && runs.some(({ files }) => files.length > 0)
    ? runs.filter(({ files }) => files.length > 0)
    : runs;
}

/** Everything that has to be there before any test of these suites runs. */
async function prepare(runs, total) {
  if (runs.some(({ suite }) => suite === 'workbench')) {
    await ensureCodeServer();
    await ensureChromium();
    for (const problem of await buildPackage()) {
      total.failed++;
      console.log(`✖ ${problem}`);
    }
  }
  if (runs.some(({ suite }) => suite === 'process')) await build();
  if (runs.some(({ files }) => files.some((file) => /builders|generators|generated-client/.test(file))))
    await ensureBuilders();
  for (const one of runs) if (one.node) one.binary = await ensureNode(one.node);
}

async function runSuite({ title, suite, files, binary }, verbose, total) {
  const started = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  console.log(`\n${title}`);
  if (files.length === 0) {
    counts.failed++;
    console.log(`  ✖ there is no test in test/${suite}`);
  }
  const { limit, lanes } = suites[suite];
  const queue = [...files];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        const began = performance.now();
        const report = await runFile(file, limit, binary);
        print(relative(root, file), report, secondsSince(began), verbose);
        for (const name of Object.keys(counts)) counts[name] += report[name];
      }
    }),
  );
  for (const name of Object.keys(counts)) total[name] += counts[name];
  console.log(`  ${title}: ${summary(counts)} in ${secondsSince(started)} s`);
}

async function runFile(file, limit, binary) {
  const report = { passed: 0, failed: 0, skipped: 0, failures: [], output: '' };
  // Whatever the file starts carries its mark, so that leftovers can be told from those of the file in the other lane.
  const mark = randomUUID();
  const env = { ...process.env, [markName]: mark, ...(binary ? { GR_TEST_NODE: binary } : {}) };
  // The runner fails a test at the limit, but waits for ever for a file whose process then does not end.
  let timedOut = false;
  const watchdog = setTimeout(() => {
    timedOut = true;
    void endAll(() => marked(mark, markName));
  }, limit + 5000);
  const path = [];
  for await (const { type, data } of runTests({
    files: [file],
    timeout: limit,
    isolation: 'process',
    cwd: root,
    env,
  })) {
    if (type === 'test:start') path.splice(data.nesting, path.length, data.name);
    else if (type === 'test:pass' || type === 'test:fail') count(report, type, data, path);
    else if (type === 'test:stdout' || type === 'test:stderr') report.output += data.message;
    else if (
      type === 'test:diagnostic' &&
      !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(data.message)
    )
      report.output += `${data.message}\n`;
  }
  clearTimeout(watchdog);
  const left = timedOut ? undefined : await leftovers(mark);
  if (timedOut) fail(report, `not over after ${(limit + 5000) / 1000} s; its processes were ended`, '');
  if (left) fail(report, 'processes are left behind', left);
  if (report.passed + report.failed + report.skipped === 0) fail(report, 'the file holds no test', '');
  return report;
}

function count(report, type, data, path) {
  if (data.details?.type === 'suite') return;
  // The runner reports the file itself as a test when it holds none, and when it fails as a whole.
  const isFile = data.nesting === 0 && data.name === data.file;
  if (type === 'test:pass') {
    if (isFile) return;
    if (data.skip !== undefined || data.todo !== undefined) report.skipped++;
    else report.passed++;
    return;
  }
  const error = data.details?.error;
  // A test whose subtests failed says nothing new.
  if (error?.failureType === 'subtestsFailed') return;
  const names = isFile ? ['(the file)'] : [...path.slice(0, data.nesting), data.name];
  fail(report, names.join(' › '), inspect(error?.cause ?? error, { depth: 6 }));
}

function fail(report, name, text) {
  report.failed++;
  report.failures.push({ name, text });
}

function print(file, report, seconds, verbose) {
  console.log(`  ${report.failed > 0 ? '✖' : '✔'} ${file}  ${summary(report)}  (${seconds} s)`);
  for (const { name, text } of report.failures) console.log(`    ✖ ${name}\n${text.replace(/^/gm, '      ')}`);
  if ((report.failed > 0 || verbose) && report.output)
    console.log(`    its output:\n${report.output.replace(/^/gm, '      ')}`);
}

/** Names processes that the tests started and that still run a moment later, and ends them. */
async function leftovers(mark) {
  const find = () => marked(mark, markName);
  for (const deadline = Date.now() + 3000; find().length > 0 && Date.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const pids = find();
  if (pids.length === 0) return undefined;
  const lines = pids.map((pid) => `      ${pid} ${commandLine(pid)}`);
  await endAll(find);
  return lines.join('\n');
}

function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '(ended meanwhile)';
  }
}

const secondsSince = (began) => ((performance.now() - began) / 1000).toFixed(1);

const summary = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

await onNode24();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string' }, verbose: { type: 'boolean' } },
});
const chosen = positionals.filter((name) => name in suites);
const filters = positionals.filter((name) => !(name in suites));
const total = { passed: 0, failed: 0, skipped: 0 };
try {
  const runs = plan(chosen.length > 0 ? chosen : Object.keys(suites), values.node, filters);
  await prepare(runs, total);
  for (const one of runs) await runSuite(one, values.verbose, total);
} catch (error) {
  total.failed++;
  console.error(error.errors ? error.message : (error.stack ?? error));
}
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
console.log(`\n${summary(total)}`);
