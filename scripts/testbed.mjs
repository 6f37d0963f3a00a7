// The real parts that tests and bench run against: other Node versions, a VS Code server, Chromium, Debian packages,
// the tools that the bench compares with.
//
// They are large, so they live outside of the repository in a cache that all clones on a machine share:
//   ${GRACEFUL_RELOAD_TESTBED:-${XDG_CACHE_HOME:-~/.cache}/graceful-reload}
// Every part is installed into a temporary folder and renamed into place, under a lock, so that callers may run
// side by side and an interrupted install leaves nothing that looks finished.
//
//   node scripts/testbed.mjs [node22.15 | node22 | node24.10 | node24 | node26 | code-server | chromium | peers | builders | all]
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { capture, cleanEnv, run } from './lib/run.mjs';

export const nodeVersions = ['22.15', '22', '24.10', '24', '26'];
const codeServerVersion = '4.139.1';
/** What the bench compares with. */
const peerPackages = ['bun@1.4.5', 'nodemon@3.1.14', 'pm2@7.0.4', 'tsx@4.23.15'];
/** What the apps of the bench import; the heavy one needs about a second for all of it. */
const appPackages = [
  '@aws-sdk/client-s3@3.1169.0',
  '@babel/core@7.29.13',
  'express@5.3.0',
  'fastify@5.12.8',
  'graphql@16.15.0',
  'lodash@4.18.1',
  'mongoose@9.12.1',
  'rxjs@7.8.2',
  'sequelize@6.37.8',
  'stripe@23.1.0',
  'typescript@5.9.3',
  'zod@4.6.7',
];
/** What the projects of `test/process/builders.test.ts`, `generators.test.ts` and `generated-client.test.ts` are made, built and run with. */
const builderPackages = [
  '@babel/cli@7.29.7',
  '@babel/core@7.29.13',
  '@babel/plugin-transform-modules-commonjs@7.29.14',
  '@babel/preset-typescript@7.29.7',
  '@fastify/autoload@6.5.0',
  '@fastify/sensible@6.0.6',
  '@hey-api/openapi-ts@0.99.0',
  '@nestjs/cli@12.0.8',
  '@nestjs/common@12.5.1',
  '@nestjs/core@12.5.1',
  '@nestjs/platform-express@12.5.1',
  '@swc-node/register@1.12.1',
  '@swc/cli@0.8.1',
  '@swc/core@1.16.22',
  '@types/node@22.20.5',
  'concurrently@9.2.5',
  'esbuild@0.28.2',
  'fastify@5.12.8',
  'fastify-cli@8.0.2',
  'fastify-plugin@6.0.1',
  'koa@3.3.0',
  'nodemon@3.1.14',
  'reflect-metadata@0.2.2',
  'rollup@4.68.8',
  'rxjs@7.8.2',
  'ts-loader@9.6.2',
  'tsc-watch@7.2.1',
  'tsdown@0.21.10',
  'tsup@8.5.1',
  'typescript@5.9.3',
  'webpack@5.113.0',
  'webpack-cli@7.3.1',
];

export const cacheDir =
  process.env.GRACEFUL_RELOAD_TESTBED ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'graceful-reload');

/** Path of the `node` binary of that release line, for example ensureNode('22.15'). */
export async function ensureNode(version) {
  const dir = await cached(`node-${version}`, async (into) => {
    await npmInstall(into, [`node@${version}`]);
    await run(nodeIn(into), ['--version']);
  });
  return nodeIn(dir);
}

/** Folder of the VS Code server inside code-server, and the Node that must run it. */
export async function ensureCodeServer() {
  const node = await ensureNode('24');
  const dir = await cached(`code-server-${codeServerVersion}`, async (into) => {
    // Its native modules compile at install, against the headers of the Node that will run them. The headers come
    // from the registry too: a machine without a way to the Node site could not fetch them there.
    await ensureApt([
      'g++',
      'make',
      'python3',
      'pkg-config',
      'libkrb5-dev',
      'libx11-dev',
      'libxkbfile-dev',
      'libsecret-1-dev',
    ]);
    const arch = `node-${process.platform}-${process.arch}`;
    const version = (await run(node, ['--version'])).trim().slice(1);
    const headers = await cached(`headers-${version}`, (to) => npmInstall(to, [`${arch}@${version}`]));
    await npmInstall(into, [`code-server@${codeServerVersion}`], {
      PATH: [join(node, '..'), cleanEnv().PATH].join(delimiter),
      npm_config_nodedir: join(headers, 'node_modules', arch),
    });
    await run(node, [join(codeServerIn(into), 'out', 'server-main.js'), '--version']);
  });
  return { node, vscode: codeServerIn(dir) };
}

/** Path of Chromium; CHROMIUM_PATH names another one. */
export async function ensureChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  await ensureApt(['chromium']);
  return '/usr/bin/chromium';
}

/** The `node_modules` of the tools that the bench compares with, and of its apps. */
export async function ensurePeers() {
  const [peers, apps] = await Promise.all([packageSet('peers', peerPackages), packageSet('bench-apps', appPackages)]);
  return { peers, apps };
}

/** The `node_modules` of projects that are built while they run. */
export function ensureBuilders() {
  return packageSet('builders', builderPackages);
}

/** The `node_modules` with these packages. */
async function packageSet(name, packages) {
  const id = createHash('sha256').update(packages.join()).digest('hex').slice(0, 8);
  return join(await cached(`${name}-${id}`, (into) => npmInstall(into, packages)), 'node_modules');
}

/** Path of wrk; WRK_PATH names another one. */
export async function ensureWrk() {
  if (process.env.WRK_PATH) return process.env.WRK_PATH;
  if ((await capture('wrk', ['--version']).catch(() => undefined)) !== undefined) return 'wrk';
  try {
    await ensureApt(['wrk']);
  } catch (cause) {
    throw new Error(`wrk is missing and apt-get did not install it; WRK_PATH may name one.\n${cause.message}`, {
      cause,
    });
  }
  return 'wrk';
}

/** Debian packages; resolves at once when they are all there. */
export async function ensureApt(packages) {
  const { code, output } = await capture('dpkg-query', ['-W', '-f=${db:Status-Status} ${Package}\n', ...packages]);
  const present = new Set(
    code === 0 || output ? [...output.matchAll(/^installed (\S+)$/gm)].map((match) => match[1]) : [],
  );
  const missing = packages.filter((name) => !present.has(name));
  if (missing.length === 0) return;
  await locked('apt', async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // Another apt on this machine may hold dpkg's lock for a while.
    const apt = (...args) => run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], { env });
    console.error(`installing from Debian: ${missing.join(' ')}`);
    await apt('update');
    await apt('install', '--no-install-recommends', ...missing);
  });
}

const nodeIn = (dir) => join(dir, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const codeServerIn = (dir) => join(dir, 'node_modules', 'code-server', 'lib', 'vscode');

async function npmInstall(prefix, packages, env = {}) {
  const allowScripts = Object.fromEntries(packages.map((spec) => [spec.slice(0, spec.lastIndexOf('@')), true]));
  await writeFile(join(prefix, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  await run('npm', ['install', '--prefix', prefix, '--no-package-lock', '--no-audit', '--no-fund', ...packages], {
    cwd: prefix,
    env: cleanEnv(env),
  });
}

/** Runs install(folder) unless an earlier run finished it; resolves with the folder. */
async function cached(name, install) {
  const dir = join(cacheDir, name);
  const marker = join(dir, '.installed');
  if (existsSync(marker)) return dir;
  return await locked(name, async () => {
    if (existsSync(marker)) return dir;
    console.error(`installing ${name} into ${cacheDir}`);
    const temporary = `${dir}.new`;
    await rm(temporary, { recursive: true, force: true });
    await rm(dir, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await install(temporary);
    await writeFile(join(temporary, '.installed'), `${new Date().toISOString()}\n`);
    await rename(temporary, dir);
    return dir;
  });
}

/** Only one caller on this machine at a time; the lock of a process that died counts for nothing. */
async function locked(name, work) {
  await mkdir(cacheDir, { recursive: true });
  const lock = join(cacheDir, `.lock-${name}`);
  const mine = `${lock}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    // A hard link appears with its content, so nobody can read a lock that does not name its owner yet.
    for (
      let tries = 0;
      !(await link(mine, lock).then(
        () => true,
        () => false,
      ));
      tries++
    ) {
      const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
      if (owner && !isAlive(owner)) {
        await dropStaleLock(lock, owner);
        continue;
      }
      if (tries === 20) console.error(`waiting for process ${owner}, which installs ${name}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Several callers may find the same dead owner: only one rename succeeds, and it puts back a lock that is new. */
async function dropStaleLock(lock, owner) {
  const aside = `${lock}.${randomUUID()}`;
  if (
    !(await rename(lock, aside).then(
      () => true,
      () => false,
    ))
  )
    return;
  if (Number(await readFile(aside, 'utf8')) !== owner) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function main(parts) {
  const all = [...nodeVersions.map((version) => `node${version}`), 'code-server', 'chromium', 'peers', 'builders'];
  for (const part of parts.length === 0 || parts.includes('all') ? all : parts) {
    const version = /^node(.+)$/.exec(part)?.[1];
    if (version) console.log(`${part}: ${await ensureNode(version)}`);
    else if (part === 'code-server') console.log(`${part}: ${(await ensureCodeServer()).vscode}`);
    else if (part === 'chromium') console.log(`${part}: ${await ensureChromium()}`);
    else if (part === 'peers') console.log(`peers: ${(await ensurePeers()).peers}`);
    else if (part === 'builders') console.log(`builders: ${await ensureBuilders()}`);
    else throw new Error(`no part of the test bed is called ${part}; there are ${all.join(', ')}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
