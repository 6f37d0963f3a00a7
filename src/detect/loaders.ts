/** Loaders, told from Node's flags: what makes JavaScript of TypeScript while a program runs. */

/** Packages that are preloaded for other reasons. */
const NO_LOADER =
  /^(dotenv|@dotenvx\/|tsconfig-paths|module-alias|source-map-support|newrelic|dd-trace|@opentelemetry\/|elastic-apm-node|reflect-metadata|@sentry\/)/;
const PRELOAD = /^(--import|--require|-r|--loader|--experimental-loader)$/;

export interface Preload {
  readonly flag: string;
  readonly specifier: string;
}

/** What the flags preload, in order. */
export function preloadsOf(flags: readonly string[]): Preload[] {
  return flags.flatMap((word, index) => {
    const [flag = '', value] = word.startsWith('--') ? word.split(/=(.*)/s) : [word];
    return PRELOAD.test(flag) ? [{ flag, specifier: value ?? flags[index + 1] ?? '' }] : [];
  });
}

/** Packages that do nothing but this, by their name or by a path into them. */
const LOADER = /(?:^|[\\/]node_modules[\\/])(?:tsx|ts-node|@swc-node[\\/]register|@oxc-node[\\/]core)(?:[\\/]|$)/;

/** Whether the flags name nothing but loaders. */
export function onlyLoads(flags: readonly string[]): boolean {
  return preloadsOf(flags).every(({ specifier }) => LOADER.test(specifier));
}

/** Whether the flags name a loader, or a module of unknown purpose that may register one. */
export function mayLoad(flags: readonly string[]): boolean {
  return preloadsOf(flags).some(({ specifier }) => !NO_LOADER.test(specifier));
}

/** The package of the loader, or `native` where Node itself takes the types away; undefined for JavaScript without one. */
export function loaderOf(entry: string, nodeArgs: readonly string[], nodeOptions = ''): string | undefined {
  const preloads = preloadsOf([...nodeOptions.split(/\s+/), ...nodeArgs]).map(({ specifier }) => specifier);
  const loader = preloads.find((name) => !NO_LOADER.test(name) && !/^\.{0,2}\//.test(name));
  if (loader !== undefined) return packageOf(loader);
  return isTypeScript(entry) ? 'native' : undefined;
}

export function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}

export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
