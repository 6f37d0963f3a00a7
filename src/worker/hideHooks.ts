/** A program that ends over a file that is not there: Node prints the stack, and the hooks that saw the `require` stand on it. */
import { isOurs } from '../tracking/ownFiles.ts';

const FILE = /^ +at (?:.*\()?(.+?):\d+:\d+\)?$/;
/** Node's steps from hook to hook. */
const NODES_HOOKS = 'node:internal/modules/customization_hooks';

/** Node reads the stack only after this. */
export function hideHooks(error: unknown): void {
  try {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return;
    const lines = error.stack.split('\n').map((line) => ({ line, file: FILE.exec(line)?.[1] ?? '' }));
    if (!lines.some(({ file }) => isOurs(file))) return;
    const rest = lines.filter(({ file }) => !isOurs(file) && file !== NODES_HOOKS);
    error.stack = rest.map(({ line }) => line).join('\n');
  } catch {
    // A stack that cannot be read or set stays as it is.
  }
}
