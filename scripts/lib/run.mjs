// Child processes for the scripts: run one to its end and show its output only when it fails.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const bin = (name) => join(root, 'node_modules', '.bin', name);

/** On Windows npm and the tools in node_modules/.bin are scripts that only a shell runs. */
const throughShell = (command) => process.platform === 'win32' && !command.endsWith('.exe');

/**
 * What a child of ours inherits; a script started by npm must not hand that npm's own settings to another npm. Its user
 * agent names a Node version, by which code-server judges whether it can be installed.
 */
export function cleanEnv(extra = {}) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (
      /^npm_(package|lifecycle|execpath|node_execpath|command|config_(local_prefix|global_prefix|prefix|nodedir|user_agent|npm_version|node_gyp))/i.test(
        name,
      )
    ) {
      delete env[name];
    }
  }
  // npm deletes node_modules while it installs: it must not run on the Node that lies in there.
  env.PATH = (env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => entry !== join(root, 'node_modules', '.bin'))
    .join(delimiter);
  return { ...env, ...extra };
}

/** Runs a command to its end. Resolves with {code, output}; stdout and stderr are one text in the order they came. */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const shell = throughShell(command);
    const child = spawn(shell ? `"${command}"` : command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell,
      ...options,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? `signal ${signal}`, output }));
  });
}

/** Like capture(), but a failure is an error that carries everything the command printed. */
export async function run(command, args, options) {
  const { code, output } = await capture(command, args, options);
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}\n${output}`);
  return output;
}
