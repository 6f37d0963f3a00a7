/** The environment of a process that nobody means to debug: without what VS Code's Auto Attach and its debug terminal put in. */

const BOOTLOADER = /\s*(?:--require|-r)[\s=]+(?:"[^"]*bootloader\.js"|\S*bootloader\.js)/g;

export function withoutDebugger(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { VSCODE_INSPECTOR_OPTIONS: options, ...rest } = env;
  if (options === undefined) return env;
  return { ...rest, NODE_OPTIONS: (env['NODE_OPTIONS'] ?? '').replace(BOOTLOADER, '').trim() };
}
