/** Who asks for a debugger by the environment means the program, not this process. */
import inspector from 'node:inspector';
import { takeInspect, type InspectWish } from '../protocol/inspect.ts';

const FLAGS = /(?:^|\s)--inspect\S*/g;

/** @returns what `NODE_OPTIONS` says of the inspector; it no longer does */
export function releaseInspector(env: NodeJS.ProcessEnv): InspectWish | undefined {
  const options = env['NODE_OPTIONS'] ?? '';
  const { wish } = takeInspect((options.match(FLAGS) ?? []).map((flag) => flag.trim()));
  if (wish) env['NODE_OPTIONS'] = options.replace(FLAGS, '').trim();
  // VS Code's Auto Attach has connected a debugger before this line ran: it is for the workers as well.
  if (wish || env['VSCODE_INSPECTOR_OPTIONS'] !== undefined) inspector.close();
  return wish;
}
