/** Loaders: what makes JavaScript of TypeScript while a program runs, told from Node's flags. */

/** Modules that are preloaded for other reasons. */
const NO_LOADERS =
  /^(dotenv|tsconfig-paths|module-alias|source-map-support|newrelic|dd-trace|@opentelemetry|elastic-apm-node|reflect-metadata|@sentry|\.{0,2}\/)/;

const PRELOAD = /^(--import|--require|-r|--loader|--experimental-loader)$/;

/** What the flags preload, in order. */
export function preloadsOf(flags: readonly string[]): string[] {
  return flags.flatMap((flag, index) => {
    const [name = '', value] = flag.startsWith('--') ? flag.split(/=(.*)/s) : [flag];
    return PRELOAD.test(name) ? [value ?? flags[index + 1] ?? ''] : [];
  });
}

/** The package of the loader, or `native` where Node itself takes the types away; undefined for JavaScript without one. */
export function loaderOf(entry: string, nodeArgs: readonly string[], nodeOptions = ''): string | undefined {
  const preloads = preloadsOf([...nodeOptions.split(/\s+/), ...nodeArgs]);
  const loader = preloads.find((name) => !NO_LOADERS.test(name));
  if (loader !== undefined) return packageOf(loader);
  return /\.[cm]?tsx?$/.test(entry) ? 'native' : undefined;
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
}
