/** Where programs are looked for, as under `npm run`: in `node_modules/.bin` of the folder and of all above it first. */
import { delimiter, dirname, join } from 'node:path';

export function withBinFolders(env: NodeJS.ProcessEnv, cwd: string): NodeJS.ProcessEnv {
  // On Windows the name has any case, and only one of them counts.
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const present = (env[name] ?? '').split(delimiter);
  const added = [...binFolders(cwd)].filter((folder) => !present.includes(folder));
  return { ...env, [name]: [...added, ...present].filter((folder) => folder !== '').join(delimiter) };
}

function* binFolders(folder: string): Generator<string> {
  yield join(folder, 'node_modules', '.bin');
  if (dirname(folder) !== folder) yield* binFolders(dirname(folder));
}
