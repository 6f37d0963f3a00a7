/** Which Node the workers run on, and what it can do. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, UserError } from '../protocol/userError.ts';

const run = promisify(execFile);

const REMEDY = 'Give the path of a Node, or its name on the PATH.';

export interface NodeBinary {
  readonly path: string;
  readonly version: string;
}

/**
 * @param wanted a path, or a name on the PATH; undefined = the Node that runs this process
 * @throws UserError `node-too-old`, `usage` when there is no such program
 */
export async function findNode(wanted: string | undefined): Promise<NodeBinary> {
  const binary =
    wanted === undefined ? { path: process.execPath, version: process.versions.node } : await askBinary(wanted);
  if (isSupported(binary.version)) return binary;
  throw new UserError(
    'node-too-old',
    `Node ${binary.version} (${binary.path}) is too old: Graceful Reload needs 22.15+, 23.5+ or 24+. ` +
      'Pick another one with --node PATH, in VS Code with the setting "gracefulReload.node".',
  );
}

/** The path that it tells itself is that of the program behind a shim of a version manager, whatever folder it runs in. */
async function askBinary(wanted: string): Promise<NodeBinary> {
  let told: string;
  try {
    const { stdout } = await run(wanted, ['-p', 'process.versions.node + "\\n" + process.execPath'], {
      timeout: 10_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    told = stdout;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'there is no such program'
        : code === 'EACCES'
          ? 'it is not executable'
          : messageOf(error).split('\n')[0];
    throw new UserError('usage', `${wanted} cannot be run as Node: ${why}. ${REMEDY}`);
  }
  const [version = '', path = ''] = told.split('\n');
  if (!/^\d+\.\d+\.\d+/.test(version) || path === '')
    throw new UserError('usage', `${wanted} is a program, but not Node. ${REMEDY}`);
  return { path, version };
}

export function isSupported(version: string): boolean {
  return atLeast(version, 22, 15) && !(major(version) === 23 && !atLeast(version, 23, 5));
}

/**
 * Whether an async loader (`--import tsx`, `--loader`) and `module.registerHooks` break each other: "resolveSync() is not
 * implemented" in 22.15 to 22.22.2 and 24.0 to 24.10; 23.x and 24.11.0 count as affected, being untested.
 */
export function mixesLoadersBadly(version: string): boolean {
  return (
    major(version) === 23 || !(atLeast(version, 22, 22, 3) && (major(version) === 22 || atLeast(version, 24, 11, 1)))
  );
}

/** TypeScript runs without a flag from 22.18 and 23.6 on. */
export function stripsTypes(version: string): boolean {
  return major(version) === 23 ? atLeast(version, 23, 6) : atLeast(version, 22, 18);
}

function major(version: string): number {
  return Number(version.split('.')[0]);
}

function atLeast(version: string, ...wanted: number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, number] of wanted.entries()) {
    const part = parts[index] ?? 0;
    if (part !== number) return part > number;
  }
  return true;
}
