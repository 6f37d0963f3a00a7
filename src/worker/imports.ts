/**
 * What `--import` names is imported while the process waits at the gate. Node itself does so only right before the entry,
 * behind the gate; it then finds the same modules there already.
 */
import { join } from 'node:path';
import vm from 'node:vm';
import { withoutWarnings } from '../platform/nodeWarnings.ts';

export async function importAhead(): Promise<void> {
  const specifiers = importsIn([...optionsOf(process.env['NODE_OPTIONS']), ...process.execArgv]);
  if (specifiers.length === 0) return;
  // As Node does: relative to the current folder.
  const importFrom = new vm.Script('(specifier) => import(specifier)', {
    filename: join(process.cwd(), '[graceful-reload]'),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext() as (specifier: string) => Promise<unknown>;
  try {
    // The first time Node calls the constant above experimental (seen in 22, 24, 26).
    for (const specifier of specifiers) await withoutWarnings(() => importFrom(specifier));
  } catch {
    // Node fails with the same error at its own place.
  }
}

function importsIn(flags: readonly string[]): string[] {
  return flags.flatMap((flag, index) => {
    if (flag.startsWith('--import=')) return [flag.slice('--import='.length)];
    const next = flags[index + 1];
    return flag === '--import' && next !== undefined ? [next] : [];
  });
}

/** Quoted options are left to Node: what they name is then loaded behind the gate. */
function optionsOf(text = ''): string[] {
  return text.includes('"') ? [] : text.split(/\s+/);
}
