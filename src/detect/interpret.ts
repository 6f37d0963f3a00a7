/** A command of a script as a plan: wrappers are taken off, chains of scripts followed, programs looked up. */
import { basename, join } from 'node:path/posix';
import { buildCommand, isBuilder } from './builders.ts';
import { allFlags, leadingFlags } from './flags.ts';
import { readManifest } from './folder.ts';
import { ownReloadOf } from './ownReload.ts';
import { buildPlan, inFolder, merge, NOTHING, type Context, type Plan } from './plan.ts';
import { problem, programs, type Program } from './programs.ts';
import { commandsOf, commandText, type Command } from './shell.ts';
import { packageNamed, packagesOf, type Package } from './workspaces.ts';

/** Programs whose end says nothing about a server. */
const HARMLESS = new Set([
  'clear',
  'cls',
  'echo',
  'rimraf',
  'rm',
  'mkdir',
  'mkdirp',
  'shx',
  'del-cli',
  'sleep',
  'true',
  'trash',
]);
/** `node -e` that only removes or makes folders, as generators write it for every system. */
const FOLDER_WORK =
  /^require\(['"](?:node:)?fs(?:-extra)?['"]\)\.(?:rm|rmdir|remove|emptyDir|mkdir)(?:Sync)?\([^;]*\);?$/;
const ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s;
const DEEPEST = 12;

/** @param more words that are appended to the last command, as npm does with what stands behind `--` */
export function interpretScript(text: string, context: Context, more: readonly string[] = []): Plan {
  const commands = commandsOf(text);
  if (!commands || commands.length === 0) return problem(`only a shell can read "${text}"`);
  const last = commands.at(-1)!;
  return sequence([...commands.slice(0, -1), { ...last, words: [...last.words, ...more] }], context);
}

/** Commands in their order: what ends before the next begins, what goes on beside it, what reads what it writes. */
function sequence(commands: readonly Command[], context: Context): Plan {
  const plans: Plan[] = [];
  let at = context;
  let isPiped = false;
  for (const { words, then } of commands) {
    const [program = ''] = words;
    const isReader = isPiped;
    isPiped = then === '|';
    if (isReader) {
      plans.push({ ...NOTHING, beside: [commandText(words)] });
      continue;
    }
    const ends = then === '&&' || then === ';';
    if (ends && program === 'cd' && words[1] !== undefined) {
      at = inFolder(at, words[1]);
      continue;
    }
    const assigned = ASSIGNMENT.exec(words.slice(1).join(' ').trim());
    if (ends && /^(set|export)$/i.test(program) && assigned) {
      at = { ...at, env: { ...at.env, [assigned[1]!]: assigned[2]!.trim() } };
      continue;
    }
    const plan = interpret(words, at);
    plans.push(ends ? first(plan, words) : plan);
  }
  return merge(...plans);
}

/** Of what ends before the server starts, only builders are kept running. */
function first(plan: Plan, words: readonly string[]): Plan {
  const isKnown = plan.servers.length + plan.own.length + plan.problems.length === 0;
  return { ...NOTHING, builds: plan.builds, before: isKnown ? plan.before : [commandText(words)] };
}

export function interpret(words: readonly string[], context: Context): Plan {
  const [program = '', ...rest] = words;
  const assignment = ASSIGNMENT.exec(program);
  if (assignment) return interpret(rest, { ...context, env: { ...context.env, [assignment[1]!]: assignment[2]! } });
  const name = basename(program).replace(/\.(cmd|exe|ps1)$/, '');
  if (name === '') return problem('it runs nothing');
  if (HARMLESS.has(name) || (name === 'node' && /^(-e|--eval)$/.test(rest[0] ?? '') && FOLDER_WORK.test(rest[1] ?? '')))
    return NOTHING;
  const named = [name, ...rest];
  const known = wrappers[name] ?? runners[name] ?? programs[name];
  if (known) return known(named, context);
  const own = ownReloadOf(named);
  if (own !== undefined) return { ...NOTHING, own: [own] };
  if (isBuilder(name)) {
    const build = buildCommand(named);
    return build === undefined ? { ...NOTHING, beside: [commandText(named)] } : buildPlan(context, build);
  }
  return problem(`what "${name}" runs is not known`);
}

// ---- what stands in front of a command

/** Takes the flags off and goes on with the rest. */
const wrapper =
  (values: RegExp): Program =>
  (words, context) =>
    interpret(leadingFlags(words.slice(1), (flag) => values.test(flag)).rest, context);

/** `dotenv -e .env -- node app.js`, `env-cmd -f .env node app.js`, `dotenvx run -f .env -- node app.js` */
const withEnvFile = (words: readonly string[], context: Context): Plan => {
  const isRun = words[1] === 'run';
  const { flags, rest } = leadingFlags(words.slice(isRun ? 2 : 1), (flag) =>
    /^(-e|-f|--file|--env-file|-r|-x|-p|-v|-c)$/.test(flag),
  );
  const files = flags.filter(({ name, value }) => /^(-e|-f|--file|--env-file)$/.test(name) && value !== undefined);
  // Some of them take several files behind one flag.
  const envFiles = (files.length > 0 ? files.map(({ value }) => value!) : ['.env']).map((path) => ({
    path,
    optional: files.length === 0,
  }));
  return interpret(rest, { ...context, envFiles: [...context.envFiles, ...envFiles] });
};

const shell: Program = (words, context) => {
  const index = words.findIndex((word) => /^-\w*c$/.test(word));
  if (index < 0 || words[index + 1] === undefined)
    return problem(`what the shell script ${words[1] ?? ''} runs is not known`);
  return follow(words[index + 1]!, context, words.slice(index + 2));
};

const wrappers: Readonly<Record<string, Program>> = {
  'cross-env': wrapper(/^$/),
  env: wrapper(/^(-u|--unset|-C)$/),
  'cross-env-shell': (words, context) =>
    words.length === 2 ? follow(words[1]!, context) : interpret(words.slice(1), context),
  exec: wrapper(/^$/),
  time: wrapper(/^$/),
  npx: wrapper(/^(-p|--package|-c|--call)$/),
  bunx: wrapper(/^(-p|--package)$/),
  dotenv: withEnvFile,
  dotenvx: withEnvFile,
  'env-cmd': withEnvFile,
  sh: shell,
  bash: shell,
};

/** A text of its own inside a command. */
function follow(text: string, context: Context, more: readonly string[] = []): Plan {
  if (context.trail.length > DEEPEST) return problem('its scripts call each other without end');
  return interpretScript(text, { ...context, trail: [...context.trail, text] }, more);
}

// ---- what runs other scripts

/** A script of package.json by its name, with what npm runs before it. */
export function runScript(name: string, context: Context, more: readonly string[] = []): Plan {
  const key = `${context.at}:${name}`;
  const { scripts } = readManifest(context.folder, context.at);
  const text = scripts[name];
  if (text === undefined) {
    if (name === 'start' && context.folder.isFile(join(context.at, 'server.js')))
      return interpret(['node', 'server.js', ...more], context);
    return problem(`there is no script "${name}"`);
  }
  if (context.trail.includes(key)) return problem('its scripts call each other without end');
  const inner = { ...context, trail: [...context.trail, key] };
  const before = scripts[`pre${name}`];
  const plan = interpretScript(text, inner, more);
  return before === undefined ? plan : merge(first(ended(before, inner), [before]), plan);
}

/** A script that ends by itself, such as `predev`; harmless ones say nothing. */
function ended(text: string, context: Context): Plan {
  const commands = commandsOf(text) ?? [];
  const isHarmless = commands.length > 0 && commands.every(({ words }) => HARMLESS.has(basename(words[0] ?? '')));
  return isHarmless ? { ...NOTHING, builds: [] } : interpretScript(text, context);
}

/** In several packages at once, each in its own folder. */
function inPackages(packages: readonly Package[], script: string, context: Context, more: readonly string[]): Plan {
  const plans = packages
    .filter(({ at }) => at !== context.at && readManifest(context.folder, at).scripts[script] !== undefined)
    .map(({ at }) => runScript(script, { ...context, at }, more));
  const plan = merge(...plans);
  // Beside servers, a package whose script is none of ours is somebody else's.
  return plan.servers.length > 0 ? { ...plan, beside: [...plan.beside, ...plan.own], own: [], problems: [] } : plan;
}

/** Words of a package manager that are commands of its own and no scripts. */
const NO_SCRIPTS =
  /^(install|i|ci|add|remove|update|up|publish|pack|link|audit|init|create|config|cache|why|outdated|prune|rebuild)$/;

function packageManager(words: readonly string[], context: Context): Plan {
  const [manager = '', ...rest] = words;
  const own = rest.indexOf('--');
  const before = own < 0 ? rest : rest.slice(0, own);
  const after = own < 0 ? [] : rest.slice(own + 1);
  const values = /^(-w|--workspace|--prefix|-C|--dir|--cwd|--filter|-F|--loglevel|--workspace-concurrency)$/;
  // pnpm's -w names no package: it means the root.
  const takesValue = (flag: string): boolean => values.test(flag) && !(manager === 'pnpm' && flag === '-w');
  const leading = leadingFlags(before, takesValue);
  const verb = leading.rest[0] ?? '';
  const isRun = verb === 'run' || verb === 'run-script' || verb === 'rum';
  const trailing =
    isRun || verb === 'exec' ? leadingFlags(leading.rest.slice(1), takesValue) : { flags: [], rest: leading.rest };
  const [script = '', ...words2] = trailing.rest;
  // npm keeps its own flags also behind the script's name; the others pass everything on.
  const behind = manager === 'npm' ? allFlags(words2, takesValue) : { flags: [], rest: words2 };
  const flags = [...leading.flags, ...trailing.flags, ...behind.flags];
  const more = [...behind.rest, ...after];
  const valuesOf = (...names: string[]): string[] =>
    flags.filter(({ name, value }) => names.includes(name) && value !== undefined).map(({ value }) => value!);
  const [place] = valuesOf('--prefix', '-C', '--dir', '--cwd');
  const at = place === undefined ? context : inFolder(context, place);
  if (verb === 'exec' || verb === 'dlx' || verb === 'x')
    return interpret(
      [script === verb ? (words2[0] ?? '') : script, ...(script === verb ? words2.slice(1) : more)].filter(
        (word) => word !== '',
      ),
      at,
    );
  if (manager === 'yarn' && verb === 'workspace') {
    const [wanted = '', ...command] = leading.rest.slice(1);
    return inNamed([wanted], (inside) => packageManager(['yarn', ...command, ...after], inside), at);
  }
  if (manager === 'yarn' && verb === 'workspaces') {
    const name = leading.rest.at(-1) ?? '';
    return inPackages(packagesOf(at), name, at, after);
  }
  const wanted = valuesOf('-w', '--workspace', '--filter', '-F');
  if (wanted.length > 0) return inNamed(wanted, (inside) => runScript(script, inside, more), at);
  const isEverywhere = flags.some(({ name }) => /^(-r|--recursive|--workspaces|-ws|--parallel)$/.test(name));
  if (isEverywhere) return inPackages(packagesOf(at), script, at, more);
  if (script === '' || (!isRun && NO_SCRIPTS.test(script))) return problem(`"${commandText(words)}" runs no script`);
  if (manager === 'npm' && !isRun && script !== 'start' && script !== 'test')
    return problem(`"npm ${script}" runs no script`);
  // yarn and pnpm run programs as well as scripts.
  const { scripts } = readManifest(at.folder, at.at);
  if (manager !== 'npm' && scripts[script] === undefined) return interpret([script, ...more], at);
  return runScript(script, at, more);
}

function inNamed(names: readonly string[], act: (inside: Context) => Plan, context: Context): Plan {
  const plans = names.map((name) => {
    const found = packageNamed(context, name);
    return found ? act({ ...context, at: found.at }) : problem(`there is no package "${name}"`);
  });
  return merge(...plans);
}

/** `turbo run dev`, `lerna run dev`, `nx run-many -t dev`, `nx serve api` */
function monorepoTool(words: readonly string[], context: Context): Plan {
  const { flags, rest } = allFlags(words.slice(1), (flag) =>
    /^(--filter|-F|--scope|-t|--target|--targets|-p|--projects|--concurrency|--parallel)$/.test(flag),
  );
  const verbs = rest.filter((word) => word !== 'run' && word !== 'run-many' && word !== 'watch');
  const target = flags.find(({ name }) => /^(-t|--targets?)$/.test(name))?.value ?? verbs[0];
  if (target === undefined) return problem(`"${commandText(words)}" names no script`);
  const [project, script] = target.includes(':') ? target.split(':') : [verbs[1], target];
  const filters = flags.flatMap(({ name, value }) =>
    /^(--filter|-F|--scope|-p|--projects)$/.test(name) && value !== undefined ? [value] : [],
  );
  const names = [...filters, ...(words[0] === 'nx' && project !== undefined ? [project] : [])];
  if (names.length > 0) return inNamed(names, (inside) => runScript(script ?? target, inside), context);
  const packages = packagesOf(context);
  const hasScript = packages.some(({ at }) => readManifest(context.folder, at).scripts[target] !== undefined);
  return hasScript
    ? inPackages(packages, target, context, [])
    : problem(`"${commandText(words)}" is none of a package's scripts`);
}

/** `concurrently "npm:watch:*" "node app.js"` */
function concurrently(words: readonly string[], context: Context): Plan {
  const values =
    /^(-n|--names|-c|--prefix-colors|-p|--prefix|-s|--success|-l|--prefix-length|-m|--max-processes|-i|--default-input-target|--restart-tries|--restart-after|--kill-signal|--hide|-t|--timestamp-format|--name-separator|--teardown)$/;
  const { rest } = allFlags(words.slice(1), (flag) => values.test(flag));
  return beside(
    rest.map((text) => {
      const short = /^(?:npm|pnpm|yarn|node|bun):(.+)$/.exec(text)?.[1];
      return short === undefined ? follow(text, context) : scriptsLike(short, context);
    }),
    rest,
  );
}

/** `run-p watch:* start` and `npm-run-all --parallel`; in sequence, all but the last end first. */
function runAll(words: readonly string[], context: Context): Plan {
  const isParallel = words[0] === 'run-p' || words.some((word) => /^(-p|--parallel|-lp)$/.test(word));
  const { rest } = allFlags(words.slice(1), (flag) => /^(--max-parallel|--npm-path)$/.test(flag));
  const plans = rest.map((name) => scriptsLike(name, context));
  if (isParallel) return beside(plans, rest);
  return merge(...plans.map((plan, index) => (index < plans.length - 1 ? first(plan, [rest[index]!]) : plan)));
}

function scriptsLike(pattern: string, context: Context): Plan {
  const [name = '', ...more] = pattern.split(' ');
  if (!name.includes('*')) return runScript(name, context, more);
  const text = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const like = new RegExp(`^${text.join('.*')}$`);
  const names = Object.keys(readManifest(context.folder, context.at).scripts).filter((each) => like.test(each));
  return beside(
    names.map((each) => runScript(each, context, more)),
    names,
  );
}

/** Side by side: where one of them is a server, what is not known runs beside it. */
function beside(plans: readonly Plan[], texts: readonly string[]): Plan {
  const all = merge(...plans);
  if (all.servers.length === 0) return all;
  // What comes first there is of no use to the server.
  const isApart = ({ servers, builds, before }: Plan): boolean =>
    before.length > 0 && servers.length + builds.length === 0;
  const plan = merge(...plans.filter((each) => !isApart(each)));
  const strange = texts.filter((_, index) => plans[index]!.problems.length > 0 || isApart(plans[index]!));
  return { ...plan, beside: [...plan.beside, ...plan.own, ...strange], own: [], problems: [] };
}

const runners: Readonly<Record<string, Program>> = {
  npm: packageManager,
  pnpm: packageManager,
  yarn: packageManager,
  turbo: monorepoTool,
  lerna: monorepoTool,
  nx: monorepoTool,
  concurrently,
  conc: concurrently,
  'npm-run-all': runAll,
  'npm-run-all2': runAll,
  'run-p': runAll,
  'run-s': runAll,
  bun: () => problem('Bun is not Node'),
  deno: () => problem('Deno is not Node'),
};
