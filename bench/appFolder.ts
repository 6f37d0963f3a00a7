/** The folder that an app runs in, of one tool alone. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { places, type AppName } from './places.ts';

/** Files that the app `modules` consists of beside its entry. */
export const ROUTES = 300;
const importing: readonly AppName[] = ['express', 'fastify', 'modules', 'heavy'];

/** What is started in the folder of an app. */
export const entryOf = (app: AppName): string => basename(places.apps[app]);

/** @returns the file that is saved, which has the version of the code in it */
export function writeApp(app: AppName, name: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  if (importing.includes(app)) symlinkSync(places.appModules, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  const entry = join(folder, entryOf(app));
  const source = readFileSync(places.apps[app], 'utf8');
  writeFileSync(entry, source.replace("process.env.GRACEFUL_RELOAD_GENERATION ?? '0'", "'v0'"));
  return app === 'modules' ? writeRoutes(join(folder, 'routes')) : entry;
}

function writeRoutes(folder: string): string {
  mkdirSync(folder);
  const source = readFileSync(places.route, 'utf8');
  const fileOf = (index: number): string => join(folder, `route${index}.cjs`);
  for (let index = 0; index < ROUTES; index++)
    writeFileSync(fileOf(index), index === 0 ? source : source.replace("/* path */ '/'", `'/route${index}'`));
  return fileOf(0);
}
