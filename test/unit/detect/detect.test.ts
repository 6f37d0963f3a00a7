/** What projects write into package.json, and what Graceful Reload makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detect, detectAll, type Detection } from '../../../src/detect/detect.ts';
import { folderOf } from './folderOf.ts';

interface Expected {
  readonly entry: string;
  readonly folder?: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly envFiles?: readonly string[];
  readonly exclude?: readonly string[];
  readonly loader?: string;
  readonly build?: string;
  readonly beside?: readonly string[];
}

interface Row {
  /** The script `dev`, or all of them. */
  readonly script: string | Readonly<Record<string, string>>;
  /** Files that are there, with their text where it matters; the usual ones are always there. */
  readonly files?: Readonly<Record<string, string>>;
  readonly manifest?: object;
  /** A server; or the tool with a reload of its own; or why the file has to be chosen. */
  readonly is:
    Expected | { readonly own: string } | { readonly choose: RegExp; readonly candidates?: readonly string[] };
}

const TSX = { nodeArgs: ['--import', 'tsx'], loader: 'tsx' };
const TS_NODE = { nodeArgs: ['-r', 'ts-node/register'], loader: 'ts-node' };
const NEST = {
  entry: 'dist/main.js',
  nodeArgs: ['--enable-source-maps'],
  build: 'nest build --watch --preserveWatchOutput',
};

const rows: readonly Row[] = [
  // node
  { script: 'node server.js', is: { entry: 'server.js' } },
  { script: 'node --watch src/index.js', is: { entry: 'src/index.js' } },
  { script: 'node --watch-path=./src --watch-preserve-output src/index.js', is: { entry: 'src/index.js' } },
  { script: 'node ./bin/www', is: { entry: 'bin/www' } },
  { script: 'node src/index', is: { entry: 'src/index.js' } },
  { script: 'node .', manifest: { main: 'server.js' }, is: { entry: 'server.js' } },
  { script: 'node --env-file=.env --watch src/index.js', is: { entry: 'src/index.js', envFiles: ['.env'] } },
  {
    script: 'node --env-file-if-exists .env.local --env-file .env src/index.js',
    is: { entry: 'src/index.js', envFiles: ['.env.local?', '.env'] },
  },
  { script: 'node -r dotenv/config src/index.js', is: { entry: 'src/index.js', nodeArgs: ['-r', 'dotenv/config'] } },
  { script: 'node --inspect=9230 src/index.js', is: { entry: 'src/index.js', nodeArgs: ['--inspect=9230'] } },
  {
    script: 'node --max-old-space-size=4096 src/index.js --port 4000',
    is: { entry: 'src/index.js', nodeArgs: ['--max-old-space-size=4096'], args: ['--port', '4000'] },
  },
  {
    script: 'NODE_ENV=development PORT=4000 node src/index.js',
    is: { entry: 'src/index.js', env: { NODE_ENV: 'development', PORT: '4000' } },
  },
  {
    script: 'cross-env NODE_ENV=development node src/index.js',
    is: { entry: 'src/index.js', env: { NODE_ENV: 'development' } },
  },
  {
    script: 'set NODE_ENV=development&& node src\\index.js',
    is: { entry: 'src/index.js', env: { NODE_ENV: 'development' } },
  },
  {
    script: 'export NODE_ENV=development; node src/index.js',
    is: { entry: 'src/index.js', env: { NODE_ENV: 'development' } },
  },
  { script: 'DEBUG=myapp:* node ./bin/www', is: { entry: 'bin/www', env: { DEBUG: 'myapp:*' } } },
  { script: 'node src/index.js | pino-pretty -c', is: { entry: 'src/index.js', beside: ['pino-pretty -c'] } },
  { script: 'node src/index.js 2>&1 | npx bunyan', is: { entry: 'src/index.js', beside: ['npx bunyan'] } },
  { script: 'node --import tsx --watch src/server.ts', is: { entry: 'src/server.ts', ...TSX } },
  {
    script: 'node --import=tsx/esm src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['--import=tsx/esm'], loader: 'tsx' },
  },
  { script: 'node --watch src/server.ts', is: { entry: 'src/server.ts', loader: 'native' } },
  {
    script: 'node --experimental-strip-types --watch src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['--experimental-strip-types'], loader: 'native' },
  },
  {
    script: 'node -r ts-node/register -r tsconfig-paths/register src/server.ts',
    is: {
      entry: 'src/server.ts',
      nodeArgs: ['-r', 'ts-node/register', '-r', 'tsconfig-paths/register'],
      loader: 'ts-node',
    },
  },
  {
    script: 'node --loader ts-node/esm src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['--loader', 'ts-node/esm'], loader: 'ts-node' },
  },
  {
    script: 'node -r @swc-node/register src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['-r', '@swc-node/register'], loader: '@swc-node/register' },
  },
  {
    script: 'node --import @swc-node/register/esm-register src/server.ts',
    is: {
      entry: 'src/server.ts',
      nodeArgs: ['--import', '@swc-node/register/esm-register'],
      loader: '@swc-node/register',
    },
  },
  {
    script: 'node -r esbuild-register src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['-r', 'esbuild-register'], loader: 'esbuild-register' },
  },
  {
    script: "NODE_OPTIONS='--import tsx' node src/server.ts",
    is: { entry: 'src/server.ts', env: { NODE_OPTIONS: '--import tsx' }, loader: 'tsx' },
  },
  { script: 'node ./node_modules/.bin/tsx watch src/server.ts', is: { entry: 'src/server.ts', ...TSX } },
  // nodemon
  { script: 'nodemon src/index.js', is: { entry: 'src/index.js' } },
  { script: 'nodemon', manifest: { main: 'src/index.js' }, is: { entry: 'src/index.js' } },
  { script: { dev: 'nodemon', start: 'node src/index.js' }, is: { entry: 'src/index.js' } },
  { script: 'nodemon src/server.ts', is: { entry: 'src/server.ts', ...TS_NODE } },
  { script: 'nodemon --exec ts-node src/server.ts', is: { entry: 'src/server.ts', ...TS_NODE } },
  {
    script: 'nodemon --watch src --ext ts,json --ignore "src/**/*.spec.ts" --exec "ts-node ./src/server.ts"',
    is: { entry: 'src/server.ts', ...TS_NODE },
  },
  {
    script: "nodemon --watch 'src/**/*.ts' --exec 'ts-node' src/server.ts",
    is: { entry: 'src/server.ts', ...TS_NODE },
  },
  { script: 'nodemon -x "node --import tsx" src/server.ts', is: { entry: 'src/server.ts', ...TSX } },
  { script: 'nodemon --inspect src/index.js', is: { entry: 'src/index.js', nodeArgs: ['--inspect'] } },
  { script: 'nodemon -r dotenv/config src/index.js', is: { entry: 'src/index.js', nodeArgs: ['-r', 'dotenv/config'] } },
  { script: 'nodemon --ignore data/ src/index.js', is: { entry: 'src/index.js', exclude: ['data/**'] } },
  {
    script: 'nodemon',
    files: {
      'nodemon.json':
        '{ "watch": ["src"], "ext": "ts", "ignore": ["tmp/*.json"], "exec": "ts-node -T ./src/server.ts", "env": { "NODE_ENV": "development" } }',
    },
    is: {
      entry: 'src/server.ts',
      ...TS_NODE,
      env: { NODE_ENV: 'development', TS_NODE_TRANSPILE_ONLY: 'true' },
      exclude: ['tmp/*.json'],
    },
  },
  {
    script: 'nodemon',
    manifest: { nodemonConfig: { exec: 'tsx', script: 'x' } },
    files: { 'nodemon.json': '{ "execMap": { "ts": "tsx" }, "script": "src/server.ts" }' },
    is: { entry: 'src/server.ts', ...TSX },
  },
  { script: 'nodemon --exec babel-node src/index.js', is: { choose: /what "babel-node" runs is not known/ } },
  {
    script: 'nodemon --exec npm run start',
    manifest: { scripts: { dev: 'nodemon --exec "npm start"', start: 'node src/index.js' } },
    is: { entry: 'src/index.js' },
  },
  { script: 'nodemon src/server.ts --exec ts-node', is: { entry: 'src/server.ts', ...TS_NODE } },
  {
    script: 'nodemon src/index.js --watch src -e js,json --ignore=data/ --port 80 -- -e',
    is: { entry: 'src/index.js', args: ['--port', '80', '-e'], exclude: ['data/**'] },
  },
  { script: 'nodemon -- src/index.js --port 80', is: { entry: 'src/index.js', args: ['--port', '80'] } },
  // tsx
  { script: 'tsx src/server.ts', is: { entry: 'src/server.ts', ...TSX } },
  { script: 'tsx watch src/server.ts', is: { entry: 'src/server.ts', ...TSX } },
  {
    script: 'tsx watch --clear-screen=false --env-file=.env src/server.ts',
    is: { entry: 'src/server.ts', ...TSX, envFiles: ['.env'] },
  },
  {
    script: 'tsx watch --include "./views/**" --exclude ./data --tsconfig tsconfig.server.json ./src/server.ts',
    is: { entry: 'src/server.ts', ...TSX, env: { TSX_TSCONFIG_PATH: 'tsconfig.server.json' }, exclude: ['data/**'] },
  },
  {
    script: 'npx tsx --inspect src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['--import', 'tsx', '--inspect'], loader: 'tsx' },
  },
  {
    script: 'NODE_ENV=development tsx watch src/server.ts | pino-pretty',
    is: { entry: 'src/server.ts', ...TSX, env: { NODE_ENV: 'development' }, beside: ['pino-pretty'] },
  },
  // ts-node
  { script: 'ts-node src/server.ts', is: { entry: 'src/server.ts', ...TS_NODE } },
  {
    script: 'ts-node --esm src/server.ts',
    is: { entry: 'src/server.ts', nodeArgs: ['--loader', 'ts-node/esm'], loader: 'ts-node' },
  },
  {
    script: 'ts-node --project tsconfig.server.json --files -r tsconfig-paths/register src/server.ts',
    is: {
      entry: 'src/server.ts',
      nodeArgs: ['-r', 'ts-node/register', '-r', 'tsconfig-paths/register'],
      loader: 'ts-node',
      env: { TS_NODE_PROJECT: 'tsconfig.server.json', TS_NODE_FILES: 'true' },
    },
  },
  {
    script: 'ts-node -O \'{"module":"commonjs"}\' src/server.ts',
    is: { entry: 'src/server.ts', ...TS_NODE, env: { TS_NODE_COMPILER_OPTIONS: '{"module":"commonjs"}' } },
  },
  {
    script: 'ts-node-dev --respawn --transpile-only --exit-child --ignore-watch node_modules src/server.ts',
    is: { entry: 'src/server.ts', ...TS_NODE, env: { TS_NODE_TRANSPILE_ONLY: 'true' } },
  },
  {
    script: 'tsnd --respawn -r dotenv/config --inspect=9229 -- src/server.ts --verbose',
    is: {
      entry: 'src/server.ts',
      nodeArgs: ['-r', 'ts-node/register', '-r', 'dotenv/config', '--inspect=9229'],
      loader: 'ts-node',
      args: ['--verbose'],
    },
  },
  {
    script: 'swc-node src/server.ts',
    is: {
      entry: 'src/server.ts',
      nodeArgs: ['--import', '@swc-node/register/esm-register'],
      loader: '@swc-node/register',
    },
  },
  // env files
  { script: 'dotenv -e .env.local -- node src/index.js', is: { entry: 'src/index.js', envFiles: ['.env.local'] } },
  { script: 'env-cmd -f .env.dev nodemon src/index.js', is: { entry: 'src/index.js', envFiles: ['.env.dev'] } },
  {
    script: 'dotenvx run -f .env -- tsx watch src/server.ts',
    is: { entry: 'src/server.ts', ...TSX, envFiles: ['.env'] },
  },
  { script: 'dotenv -- tsx src/server.ts', is: { entry: 'src/server.ts', ...TSX, envFiles: ['.env?'] } },
  // frameworks with a command of their own
  { script: { 'start:dev': 'nest start --watch', start: 'nest start' }, is: NEST },
  {
    script: 'nest start --watch --debug 0.0.0.0:9229',
    is: { ...NEST, nodeArgs: ['--enable-source-maps', '--inspect=0.0.0.0:9229'] },
  },
  {
    script: { start: 'nest start', 'start:dev': 'cross-env NODE_ENV=local nest start -b swc -w' },
    is: { ...NEST, build: 'nest build -b swc --watch --preserveWatchOutput', env: { NODE_ENV: 'local' } },
  },
  {
    script: 'nest start api --watch',
    files: {
      'nest-cli.json':
        '{ "monorepo": true, "projects": { "api": { "entryFile": "main", "sourceRoot": "apps/api/src", "compilerOptions": { "tsConfigPath": "apps/api/tsconfig.app.json" } } } }',
      'apps/api/tsconfig.app.json':
        '{ "extends": "../../tsconfig.json", "compilerOptions": { "outDir": "../../dist/apps/api" } }',
    },
    is: { ...NEST, entry: 'dist/apps/api/main.js', build: 'nest build api --watch --preserveWatchOutput' },
  },
  {
    script: 'fastify start -w -l info -P app.js',
    is: { entry: 'node_modules/fastify-cli/cli.js', args: ['start', '-l', 'info', '-P', 'app.js'] },
  },
  {
    script: {
      dev: 'npm run build:ts && concurrently -k -p "[{name}]" -n "TypeScript,App" -c "yellow.bold,cyan.bold" "npm:watch:ts" "npm:dev:start"',
      'dev:start': 'fastify start --ignore-watch=.ts$ -w -l info -P dist/app.js',
      'build:ts': 'tsc',
      'watch:ts': 'tsc -w',
    },
    is: {
      entry: 'node_modules/fastify-cli/cli.js',
      args: ['start', '-l', 'info', '-P', 'dist/app.js'],
      build: 'tsc --watch',
    },
  },
  // builders
  { script: 'tsc && node dist/index.js', is: { entry: 'dist/index.js', build: 'tsc --watch' } },
  {
    script: 'rimraf dist && tsc -p tsconfig.build.json && node --enable-source-maps dist/index.js',
    is: { entry: 'dist/index.js', build: 'tsc -p tsconfig.build.json --watch', nodeArgs: ['--enable-source-maps'] },
  },
  { script: 'tsc -w & node --watch dist/index.js', is: { entry: 'dist/index.js', build: 'tsc --watch' } },
  {
    script: {
      clean: "node -e \"require('fs').rmSync('dist', {recursive: true, force: true})\"",
      'build:ts': 'npm run clean && tsc',
      'watch:ts': 'tsc -w',
      dev: 'npm run build:ts && concurrently -k -p "[{name}]" "npm:watch:ts" "npm:dev:start"',
      'dev:start': 'fastify start --ignore-watch=.ts$ -w -l info -P dist/app.js',
    },
    files: { 'node_modules/fastify-cli/cli.js': '' },
    is: {
      entry: 'node_modules/fastify-cli/cli.js',
      args: ['start', '-l', 'info', '-P', 'dist/app.js'],
      build: 'tsc --watch',
    },
  },
  {
    script: { clean: 'rimraf dist', dev: 'npm run clean && tsc && node dist/index.js' },
    is: { entry: 'dist/index.js', build: 'tsc --watch' },
  },
  {
    script: "node -e \"require('fs').rmSync('dist'); require('./seed')\" && node src/index.js",
    is: { choose: /first runs "node -e/ },
  },
  {
    script: 'tsc && concurrently "tsc -w --preserveWatchOutput" "nodemon dist/index.js"',
    is: { entry: 'dist/index.js', build: 'tsc --watch' },
  },
  { script: 'concurrently "tsc -w" "nodemon dist/index.js"', is: { entry: 'dist/index.js', build: 'tsc --watch' } },
  {
    script: 'concurrently \'tsc --watch\' "wait-on dist/index.js && nodemon -q dist/index.js"',
    is: { choose: /first runs "wait-on/ },
  },
  {
    script: 'concurrently "nodemon src/index.js" "delay 1s && browser-sync start"',
    is: { entry: 'src/index.js', beside: ['delay 1s && browser-sync start'] },
  },
  { script: 'tsc-watch --onSuccess "node ./dist/index.js"', is: { entry: 'dist/index.js', build: 'tsc --watch' } },
  {
    script: 'tsc-watch --noClear -p . --onSuccess "node dist/index.js"',
    is: { entry: 'dist/index.js', build: 'tsc -p . --watch' },
  },
  {
    script: 'tsup src/index.ts --watch --onSuccess "node dist/index.js"',
    is: { entry: 'dist/index.js', build: 'tsup src/index.ts --watch' },
  },
  {
    script: { dev: 'run-p dev:*', 'dev:build': 'swc src -d dist -w', 'dev:run': 'nodemon dist/index.js' },
    is: { entry: 'dist/index.js', build: 'swc src -d dist --watch' },
  },
  {
    script: {
      dev: 'npm-run-all --parallel watch serve',
      watch: 'esbuild src/index.ts --bundle --platform=node --outfile=dist/index.js --watch',
      serve: 'node --watch dist/index.js',
    },
    is: {
      entry: 'dist/index.js',
      build: 'esbuild src/index.ts --bundle --platform=node --outfile=dist/index.js --watch',
    },
  },
  { script: { predev: 'tsc', dev: 'node dist/index.js' }, is: { entry: 'dist/index.js', build: 'tsc --watch' } },
  {
    script: 'tsc && tsc-alias && node dist/index.js',
    is: { entry: 'dist/index.js', build: 'tsc --watch & tsc-alias --watch & wait' },
  },
  {
    script: 'concurrently "tsc --noEmit -w" "tsx watch src/server.ts"',
    is: { entry: 'src/server.ts', ...TSX, beside: ['tsc --noEmit -w'] },
  },
  {
    script: 'concurrently "webpack --watch" "nodemon src/index.js"',
    is: { entry: 'src/index.js', beside: ['webpack --watch'] },
  },
  {
    script: { start: 'node dist/index.js', build: 'tsc' },
    files: { 'src/index.ts': '' },
    is: { choose: /dist\/index\.js, which is not there, or is still to be built with "npm run build"/ },
  },
  {
    script: { start: 'node dist/index.js', build: 'tsc' },
    files: { 'dist/index.js': '' },
    is: { entry: 'dist/index.js' },
  },
  // chains
  {
    script: { dev: 'npm run serve:dev -- --port 4000', 'serve:dev': 'node src/index.js' },
    is: { entry: 'src/index.js', args: ['--port', '4000'] },
  },
  { script: { dev: 'pnpm serve', serve: 'tsx watch src/server.ts' }, is: { entry: 'src/server.ts', ...TSX } },
  { script: { dev: 'yarn nodemon src/index.js' }, is: { entry: 'src/index.js' } },
  { script: { dev: 'node --run serve', serve: 'node src/index.js' }, is: { entry: 'src/index.js' } },
  { script: { dev: 'npm run dev' }, is: { choose: /call each other without end/ } },
  { script: 'clear && node src/index.js', is: { entry: 'src/index.js' } },
  {
    script: 'prisma generate && tsx watch src/server.ts',
    is: { choose: /first runs "prisma generate"/, candidates: ['src/server.ts'] },
  },
  {
    script: 'node scripts/setup.js && node src/index.js',
    files: { 'scripts/setup.js': '' },
    is: { choose: /first runs "node scripts\/setup.js"/, candidates: ['src/index.js'] },
  },
  {
    script: 'docker compose up -d && node src/index.js',
    is: { choose: /first runs "docker compose up -d"/, candidates: ['src/index.js'] },
  },
  {
    script: 'concurrently "npm:server" "npm:client"',
    manifest: {
      scripts: { dev: 'concurrently "npm:server" "npm:client"', server: 'nodemon src/index.js', client: 'vite' },
    },
    is: { entry: 'src/index.js', beside: ['vite'] },
  },
  {
    script: 'concurrently "node src/index.js" "node server.js"',
    is: { choose: /starts several servers/, candidates: ['src/index.js', 'server.js'] },
  },
  {
    script: 'cd apps/api && node --watch main.js',
    files: { 'apps/api/main.js': '' },
    is: { folder: 'apps/api', entry: 'main.js' },
  },
  { script: { dev: 'vite', 'dev:server': 'tsx watch src/server.ts' }, is: { entry: 'src/server.ts', ...TSX } },
  { script: { start: 'node server.js' }, is: { entry: 'server.js' } },
  { script: { test: 'jest' }, is: { entry: 'server.js' } },
  {
    script: 'pm2-dev start ecosystem.config.js',
    files: { 'ecosystem.config.js': '' },
    is: { entry: 'ecosystem.config.js' },
  },
  {
    script: 'pm2 start src/index.js -i max --node-args="--inspect"',
    is: { entry: 'src/index.js', nodeArgs: ['--inspect'] },
  },
  // workspaces
  {
    script: 'pnpm --filter @shop/api dev',
    files: {
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*"\n  - packages/*\n',
      'apps/api/package.json': '{ "name": "@shop/api", "scripts": { "dev": "tsx watch src/server.ts" } }',
      'apps/api/src/server.ts': '',
    },
    is: { folder: 'apps/api', entry: 'src/server.ts', ...TSX },
  },
  {
    script: 'npm run dev -w api',
    manifest: { workspaces: ['apps/*'] },
    files: {
      'apps/api/package.json': '{ "name": "api", "scripts": { "dev": "node --env-file=.env --watch main.js" } }',
      'apps/api/main.js': '',
    },
    is: { folder: 'apps/api', entry: 'main.js', envFiles: ['.env'] },
  },
  {
    script: 'yarn workspace api dev',
    manifest: { workspaces: { packages: ['apps/api'] } },
    files: {
      'apps/api/package.json': '{ "name": "api", "scripts": { "dev": "nodemon main.js" } }',
      'apps/api/main.js': '',
    },
    is: { folder: 'apps/api', entry: 'main.js' },
  },
  {
    script: 'turbo run dev',
    manifest: { workspaces: ['apps/*', 'packages/*'] },
    files: {
      'apps/api/package.json': '{ "name": "api", "scripts": { "dev": "node main.js" } }',
      'apps/api/main.js': '',
      'apps/web/package.json': '{ "name": "web", "scripts": { "dev": "next dev" } }',
      'packages/ui/package.json': '{ "name": "ui", "scripts": { "dev": "tsup --watch" } }',
    },
    is: { folder: 'apps/api', entry: 'main.js', beside: ['next dev', 'tsup --watch'] },
  },
  {
    script: 'pnpm -r --parallel dev',
    files: {
      'pnpm-workspace.yaml': 'packages: ["apps/*"]',
      'apps/a/package.json': '{ "scripts": { "dev": "node a.js" } }',
      'apps/a/a.js': '',
      'apps/b/package.json': '{ "scripts": { "dev": "node b.js" } }',
      'apps/b/b.js': '',
    },
    is: { choose: /starts several servers/, candidates: ['apps/a/a.js', 'apps/b/b.js'] },
  },
  {
    script: 'npm --prefix apps/api run dev',
    files: { 'apps/api/package.json': '{ "scripts": { "dev": "node main.js" } }', 'apps/api/main.js': '' },
    is: { folder: 'apps/api', entry: 'main.js' },
  },
  {
    script: 'turbo dev',
    manifest: { workspaces: ['apps/*', 'packages/*'] },
    files: {
      'apps/api/package.json':
        '{ "name": "api", "scripts": { "dev": "node --watch main.js" }, "dependencies": { "@shop/db": "workspace:*" } }',
      'apps/api/main.js': '',
      'packages/db/package.json': '{ "name": "@shop/db", "scripts": { "dev": "tsc -w" } }',
    },
    is: { folder: 'apps/api', entry: 'main.js', build: '(cd ../../packages/db && tsc --watch)' },
  },
  // What is developed with, before what runs what was built; a builder alone is no server.
  {
    script: {
      start: 'node dist/server.js',
      watch: 'concurrently "npm run watch-sass" "npm run watch-ts" "nodemon dist/server.js"',
      'watch-sass': 'sass --watch src:dist',
      'watch-ts': 'tsc -w',
    },
    files: { 'tsconfig.json': '{ "compilerOptions": { "outDir": "dist" } }' },
    is: { entry: 'dist/server.js', build: 'tsc --watch', beside: ['npm run watch-sass'] },
  },
  { script: { start: 'node server.js', watch: 'tsc -w' }, is: { entry: 'server.js' } },
  // not ours
  ...[
    'next dev',
    'next dev --turbo',
    'vite',
    'vite --port 3000',
    'nuxt dev',
    'remix vite:dev',
    'astro dev',
    'react-router dev',
    'ng serve',
    'webpack serve --mode development',
    'react-scripts start',
    'wrangler dev',
    'node ace serve --hmr',
  ].map((script): Row => ({ script, is: { own: script.replace(/ (--\S+)( \S+)?$/, '') } })),
  // cannot be read
  { script: 'node $ENTRY', is: { choose: /only a shell can read/ } },
  { script: 'node $(cat entry.txt)', is: { choose: /only a shell can read/ } },
  { script: 'node `cat entry.txt`', is: { choose: /only a shell can read/ } },
  { script: 'node src/index.js || true', is: { choose: /only a shell can read/ } },
  { script: 'gulp dev', is: { choose: /what "gulp" runs is not known/ } },
  { script: './start.sh', is: { choose: /what "start.sh" runs is not known/ } },
  { script: 'bun --watch src/server.ts', is: { choose: /Bun is not Node/ } },
  { script: 'node -e "require(\'./server\')"', is: { choose: /it runs no file/ } },
  { script: 'node missing.js', is: { choose: /runs missing\.js, which is not there/ } },
  // With a target that stands in project.json.
  { script: 'nx serve', is: { choose: /"nx serve" is none of a package's scripts/ } },
  { script: 'make dev', is: { choose: /what "make" runs is not known/ } },
];

/** Files that every project of the table has. */
const USUAL = {
  'node_modules/fastify-cli/cli.js': '',
  'server.js': '',
  'src/index.js': '',
  'src/server.ts': '',
  'bin/www': '',
  'tsconfig.json': '{ "compilerOptions": { "outDir": "./dist", }, } // as tsc takes it',
};

for (const { script, files, manifest, is } of rows) {
  const scripts = typeof script === 'string' ? { dev: script } : script;
  test(typeof script === 'string' ? script : JSON.stringify(script), () => {
    const found = detect(folderOf({ ...USUAL, 'package.json': JSON.stringify({ scripts, ...manifest }), ...files }));
    if ('own' in is) assert.deepEqual([found.kind, 'tool' in found && found.tool], ['own-reload', is.own]);
    else if ('choose' in is) assertChoose(found, is.choose, is.candidates);
    else assertServer(found, is);
  });
}

function assertChoose(found: Detection, reason: RegExp, candidates: readonly string[] | undefined): void {
  assert.ok(found.kind === 'choose', JSON.stringify(found));
  assert.match(found.reason, reason);
  if (candidates)
    assert.deepEqual(
      found.candidates
        .map(({ folder, entry }) => (folder === '.' ? entry : `${folder}/${entry}`))
        .slice(0, candidates.length),
      candidates,
    );
}

function assertServer(found: Detection, expected: Expected): void {
  assert.ok(found.kind === 'server', JSON.stringify(found));
  const { folder, entry, args, nodeArgs, env, envFiles, exclude, loader, build, beside } = found.server;
  assert.deepEqual(
    {
      folder,
      entry,
      args,
      nodeArgs,
      env,
      envFiles: envFiles.map(({ path, optional }) => (optional ? `${path}?` : path)),
      exclude,
      loader,
      build,
      beside,
    },
    {
      folder: '.',
      args: [],
      nodeArgs: [],
      env: {},
      envFiles: [],
      exclude: [],
      loader: undefined,
      build: undefined,
      beside: [],
      ...expected,
    },
  );
}

test('the table holds what real projects write', () => assert.ok(rows.length >= 60));

/** What a person may pick from. */
const entries = (files: Readonly<Record<string, string>>): string[] =>
  detectAll(folderOf(files)).map(({ folder, entry }) => (folder === '.' ? entry : `${folder}/${entry}`));

test('a configuration file ends the search', () => {
  assert.deepEqual(entries({ 'graceful-reload.config.ts': '', 'server.ts': '' }), ['graceful-reload.config.ts']);
});

test('a file of PM2 is what starts the servers where no script does', () => {
  assert.deepEqual(entries({ 'package.json': '{}', 'ecosystem.config.js': '', 'server.js': '' }), ['server.js']);
  assert.deepEqual(entries({ 'package.json': '{}', 'ecosystem.config.js': '' }), ['ecosystem.config.js']);
});

test('main is a candidate only, and not that of an extension', () => {
  const main = { main: './dist/index.js' };
  const extension = { ...main, engines: { vscode: '^1.100.0' } };
  assert.deepEqual(entries({ 'package.json': JSON.stringify(main), 'dist/index.js': '' }), ['dist/index.js']);
  assert.deepEqual(entries({ 'package.json': JSON.stringify(main) }), []);
  assert.deepEqual(entries({ 'package.json': JSON.stringify(extension), 'dist/index.js': '' }), []);
});

test('a broken package.json hides nothing else', () => {
  assert.deepEqual(entries({ 'package.json': '{', 'server.mjs': '' }), ['server.mjs']);
  assert.deepEqual(entries({ 'package.json': '[1]' }), []);
});

test('a workspace gives the servers of its packages, each in its own folder', () => {
  const files = {
    'package.json': '{ "workspaces": ["apps/*", "packages/**"] }',
    'apps/web/package.json': '{ "scripts": { "dev": "node --watch web.js" } }',
    'apps/web/web.js': '',
    'apps/site/package.json': '{ "scripts": { "dev": "next dev" } }',
    'packages/deep/api/package.json': '{ "scripts": { "start": "node api.js" } }',
    'packages/deep/api/api.js': '',
  };
  assert.deepEqual(entries(files), ['apps/web/web.js', 'packages/deep/api/api.js']);
  const detection = detect(folderOf(files));
  assert.equal(detection.kind === 'choose' && detection.reason, 'the workspace holds several servers');
});
