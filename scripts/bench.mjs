// `npm run bench`: figures side by side with the tools that people use today, all measured in one run on one machine.
//
//   npm run bench -- [speed] [reload] [throughput] [cases] [flags] [activation] [all] [--quick] [--saves N] [--tools ID,ID] [--apps ID,ID] [--json FILE] [--readme] [--check]
//   npm run bench -- trace [--saves N]
//   npm run bench -- scale [--saves N] [--readme]
//   npm run bench -- soak [--seconds 3600] [--seed N]
//   npm run bench -- fuzz [--messages 1000000] [--seed N]
//
// speed       (default) from a save to the first response of the new code, and the requests that fail meanwhile
// reload      strict clients that never try twice, while the server reloads again and again
// throughput  requests per second and CPU time per request, beside plain `node app.js`; by wrk
// cases       saves under load, broken saves, saves in a hurry: what each tool makes of them
// flags       from an edit that a reload cannot pick up to its flag, by the number of bootstrap modules
// activation  of the extension
// trace       of a reload: where the time between the save and the first answer goes; not part of `all`
// scale       64 workers, 10,000 loaded files, a workspace of 200,000: what grows with what; not part of `all`
// soak        everything that can happen to a server, at random from a seed; not part of `all`
// fuzz        hostile messages on the control wire, from a seed; not part of `all`
//
// --quick     few rounds: does it work, and about where are we
// --saves N   of each tool and app in speed, by default 40: about 21 minutes
// --tools     some of them in speed and reload, by the ids of bench/tools.ts
// --apps      some of them in speed
// --json FILE all figures
// --readme    puts the tables into README.md, and the figures into bench/results/latest.json
// --check     exit code 1 when a target is missed
//
// Tables go to standard output, progress to standard error.
import { once } from 'node:events';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { build } from './build.mjs';
import { startGuarded } from './lib/guarded.mjs';
import { onNode24 } from './lib/install.mjs';
import { cleanEnv, root } from './lib/run.mjs';
import { ensurePeers, ensureWrk } from './testbed.mjs';

await onNode24();
try {
  const args = process.argv.slice(2);
  // As it is shipped.
  await build({ production: true });
  const { peers, apps } = await ensurePeers();
  const wrk = args.some((arg) => arg === 'throughput' || arg === 'all') ? await ensureWrk() : '';
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gr-bench-')));
  // Tools that run `node` get the one that runs us.
  const PATH = [dirname(process.execPath), cleanEnv().PATH].join(delimiter);
  const env = { PATH, TMPDIR: folder, BENCH_FOLDER: folder, BENCH_PEERS: peers, BENCH_APPS: apps, BENCH_WRK: wrk };
  const bench = startGuarded(process.execPath, [join(root, 'bench', 'main.ts'), ...args], {
    stdio: 'inherit',
    env: cleanEnv(env),
    removeAfterwards: folder,
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => void bench.stop());
  const [code] = await once(bench.child, 'exit');
  await bench.stop();
  process.exitCode = code ?? 1;
} catch (error) {
  console.error(error.errors ? error.message : (error.stack ?? error));
  process.exitCode = 1;
}
