/** What `start` runs when it is given no file: the configuration here or above, else what package.json's scripts start. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { configFiles, detect, detectCommand, type DetectedServer, type Detection } from '../detect/detect.ts';
import { diskFolder } from '../detect/folder.ts';
import { commandText } from '../detect/shell.ts';
import { UserError } from '../protocol/userError.ts';

export interface ServerHere extends Pick<
  DetectedServer,
  'args' | 'nodeArgs' | 'env' | 'envFiles' | 'exclude' | 'build'
> {
  /** Absolute: the folder of the configuration or the package, as under `npm run`. */
  readonly cwd: string;
  readonly file: string;
  /** Absolute: the package.json whose script was read; undefined where the file was found otherwise. */
  readonly manifest: string | undefined;
  /** The name of that script. */
  readonly script: string | undefined;
  /** What was found, for the person who started it. */
  readonly note: string;
}

/** @throws UserError `usage` where there is none, or one has to be chosen */
export function serverHere(cwd: string): ServerHere {
  const folders = [...upwards(cwd)];
  const configured = folders.find((folder) => configFiles.some((name) => existsSync(join(folder, name))));
  const root = configured ?? folders.find((folder) => existsSync(join(folder, 'package.json'))) ?? cwd;
  const detection = detect(diskFolder(root));
  if (detection.kind === 'server') return found(detection.server, root);
  throw new UserError('usage', whyNot(detection, relative(cwd, root)));
}

/**
 * What `--command` runs, as the server that it stands for.
 *
 * @throws UserError `usage` where it cannot be read
 */
export function serverOfCommand(command: string, cwd: string): ServerHere {
  const detection = detectCommand(diskFolder(cwd), command);
  if (detection.kind === 'server') return found(detection.server, cwd);
  throw new UserError('usage', whyNot(detection, ''));
}

function* upwards(folder: string): Generator<string> {
  yield folder;
  if (dirname(folder) !== folder) yield* upwards(dirname(folder));
}

function found(server: DetectedServer, root: string): ServerHere {
  const { folder, entry, from, beside } = server;
  const where = folder === '.' ? '' : ` in ${folder}`;
  const left = beside.length === 0 ? '' : `; left out: ${beside.join(', ')}`;
  const script = /^script "(.*)"$/.exec(from)?.[1];
  return {
    ...server,
    cwd: resolve(root, folder),
    file: entry,
    manifest: script === undefined ? undefined : join(root, 'package.json'),
    script,
    note: `${from}${where}: ${runText(server)}${left}`,
  };
}

function runText({ nodeArgs, entry, args, build }: DetectedServer): string {
  const run = commandText(['node', ...nodeArgs, entry, ...args]);
  return build === undefined ? run : `${run}, built by ${build}`;
}

function whyNot(detection: Exclude<Detection, { kind: 'server' }>, way: string): string {
  const where = way === '' ? '' : ` (${way})`;
  const why =
    detection.kind === 'own-reload'
      ? `The ${detection.from}${where} runs ${detection.tool}, which reloads by itself: use it as it is. A Node server beside it is started by its file`
      : `${detection.reason[0]!.toUpperCase()}${detection.reason.slice(1)}${where}. Name it`;
  const commands = detection.candidates.map((candidate) => `\n  ${startText(candidate)}`);
  return `Which file? ${why}:${commands.length === 0 ? ' graceful-reload start <file>' : commands.join('')}`;
}

/** The command that starts a candidate. */
function startText({ folder, entry, args, nodeArgs, env, envFiles, build }: DetectedServer): string {
  const cd = folder === '.' ? '' : `cd ${commandText([folder])} && `;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value === '' ? '' : commandText([value])} `);
  const files = envFiles.flatMap(({ path, optional }) => [optional ? '--env-file-if-exists' : '--env-file', path]);
  const builder = build === undefined ? [] : ['--build', build];
  const words = ['start', ...builder, ...files, ...nodeArgs, entry, ...args];
  return `${cd}${variables.join('')}graceful-reload ${commandText(words)}`;
}
