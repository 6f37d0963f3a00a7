/** Reads what a bootstrap script's main module exports, after Node has evaluated it as any other program. */
import Module from 'node:module';

export interface Declaration {
  /** Plain JSON; what is not JSON is named in its place so that the check can tell. */
  readonly definition: unknown;
}

/**
 * The definition that the main module exports, or undefined when it declares no groups: then it is an ordinary program.
 *
 * @param url what Node imported; undefined for CommonJS
 * @param listens it serves by itself: then whatever it exports under the name of `groups` is its own affair
 */
export async function readDefinition(
  path: string,
  url: string | undefined,
  listens: boolean,
): Promise<Declaration | undefined> {
  const exported = await exportsOf(path, url);
  const definition: unknown = await exported;
  if (!isRecord(definition)) return undefined;
  if (
    !declaresGroups(definition) &&
    !declaresApps(definition) &&
    (!isMeantToDeclare(definition) || listens || (await isBusy()))
  )
    return undefined;
  return { definition: toJson(definition) };
}

function declaresGroups({ groups }: Record<string, unknown>): boolean {
  if (!isRecord(groups)) return false;
  return Object.values(groups).every((group) => isRecord(group) && typeof group['entry'] === 'string');
}

/** As PM2's ecosystem file does. */
function declaresApps({ apps }: Record<string, unknown>): boolean {
  return (
    Array.isArray(apps) && apps.length > 0 && apps.every((app) => isRecord(app) && typeof app['script'] === 'string')
  );
}

/** Whether anything but our own channels keeps the process alive: then it is a program that runs. */
async function isBusy(): Promise<boolean> {
  await new Promise((done) => setImmediate(done));
  return process
    .getActiveResourcesInfo()
    .some((resource) => !/^(TTYWrap|PipeWrap|FileHandle|Immediate)$/.test(resource));
}

/** Ill-typed, but nothing else than a definition: it is told what is wrong instead of being run as a program. */
function isMeantToDeclare(definition: Record<string, unknown>): boolean {
  const { groups } = definition;
  const isPlain = Object.getPrototypeOf(definition) === Object.prototype;
  return (
    isPlain &&
    typeof groups === 'object' &&
    groups !== null &&
    Object.keys(definition).every((key) => SERVER_OPTIONS.has(key))
  );
}

const SERVER_OPTIONS = new Set(['name', 'envFile', 'include', 'exclude', 'reloadOn', 'groups']);

async function exportsOf(path: string, url: string | undefined): Promise<unknown> {
  const main = process.mainModule ?? (Module as unknown as { _cache: Record<string, NodeModule> })._cache[path];
  if (main?.loaded && isRecord(main.exports) && Object.keys(main.exports).length > 0) {
    const exports: unknown = main.exports;
    return isRecord(exports) && 'default' in exports ? exports['default'] : exports;
  }
  if (url === undefined) return main?.exports;
  // Node has evaluated this very URL: this is its namespace from the cache.
  const namespace = (await import(url)) as { default?: unknown };
  const value = namespace.default;
  return isRecord(value) && isRecord(value['default']) ? value['default'] : value;
}

type NodeModule = NonNullable<typeof process.mainModule>;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJson);
  if (isRecord(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item)]));
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return { notJson: typeof value };
}
