/** `nest start`: the command line builds into a folder and runs the compiled program from there. */
import { dirname, join, relative } from 'node:path/posix';
import { allFlags, leadingFlags, nodeFlagTakesValue } from './flags.ts';
import { isRecord, readJson, textOf, type Folder } from './folder.ts';
import { buildPlan, NOTHING, serverPlan, type Context, type Plan } from './plan.ts';
import { commandText } from './shell.ts';
import { optionIn } from './tsconfig.ts';

export function nest(words: readonly string[], context: Context): Plan {
  if (words[1] !== 'start') return { ...NOTHING, problems: [`nest ${words[1] ?? ''} starts no server`] };
  const { folder, at } = context;
  const values =
    /^(-c|--config|-p|--path|--tsc|--webpackPath|-b|--builder|-e|--exec|--entryFile|--sourceRoot|--env-file)$/;
  // The address behind `--debug` may be left out.
  const joined = words.slice(2).flatMap((word, index, all) => {
    if (word === '--debug' || word === '-d')
      return /^[\d.:]+$/.test(all[index + 1] ?? '') ? [`--debug=${all[index + 1]}`] : ['--debug'];
    return /^(--debug|-d)$/.test(all[index - 1] ?? '') && /^[\d.:]+$/.test(word) ? [] : [word];
  });
  const { flags, rest } = allFlags(joined, (flag) => values.test(flag));
  const valueOf = (...names: string[]): string | undefined => flags.find(({ name }) => names.includes(name))?.value;
  const config = readJson(folder, join(at, valueOf('-c', '--config') ?? 'nest-cli.json')) ?? {};
  const projects = isRecord(config['projects']) ? config['projects'] : {};
  const project = rest[0] !== undefined && isRecord(projects[rest[0]]) ? projects[rest[0]] : undefined;
  const settings = { ...config, ...(project as Record<string, unknown> | undefined) };
  const options = isRecord(settings['compilerOptions']) ? settings['compilerOptions'] : {};
  const tsconfig = ['tsconfig.build.json', 'tsconfig.json'].find((name) => folder.isFile(join(at, name)));
  const path = valueOf('-p', '--path') ?? textOf(options['tsConfigPath']) ?? tsconfig ?? 'tsconfig.json';
  const outDir = relative(at, outDirOf(folder, join(at, path)) ?? join(at, 'dist'));
  const sourceRoot = valueOf('--sourceRoot') ?? textOf(settings['sourceRoot']) ?? 'src';
  const name = valueOf('--entryFile') ?? textOf(settings['entryFile']) ?? 'main';
  // The compiler keeps the source's folder in the output when it also compiles files outside of it.
  const deep = join(at, outDir, sourceRoot, `${name}.js`);
  const inside = folder.isFile(deep) ? sourceRoot : '';
  const entry = join(outDir, inside, `${name}.js`);
  const kept = flags.filter(({ name: flag }) =>
    /^(-c|--config|-p|--path|-b|--builder|--webpack|--tsc|--type-check)$/.test(flag),
  );
  const build = commandText([
    'nest',
    'build',
    ...rest.slice(0, 1),
    ...kept.flatMap(({ words: written }) => written),
    '--watch',
    '--preserveWatchOutput',
  ]);
  const debug = flags.find(({ name: flag }) => flag === '--debug');
  const exec = leadingFlags((valueOf('-e', '--exec') ?? '').split(/\s+/).slice(1), nodeFlagTakesValue);
  const nodeArgs = [
    '--enable-source-maps',
    ...(debug ? [debug.value === undefined ? '--inspect' : `--inspect=${debug.value}`] : []),
    ...exec.flags.flatMap(({ words: written }) => written),
  ];
  const envFiles = flags
    .filter(({ name: flag, value }) => flag === '--env-file' && value !== undefined)
    .map(({ value }) => ({ path: value!, optional: false }));
  return serverPlan(context, { entry, nodeArgs, envFiles }, buildPlan(context, build));
}

/** Where the compiler writes to. */
function outDirOf(folder: Folder, path: string): string | undefined {
  const option = optionIn(folder, path, 'outDir');
  if (typeof option?.value !== 'string') return undefined;
  const { value } = option;
  return value.startsWith('${configDir}') ? join(dirname(path), value.slice(12)) : join(option.folder, value);
}
