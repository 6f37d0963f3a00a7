// Starts the VS Code server of the test bed: the real workbench in a browser, the real extension host and terminals.
// Used by `npm start` and by the workbench tests.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ensureCodeServer } from '../testbed.mjs';
import { cleanEnv, run } from './run.mjs';
import { startGuarded } from './guarded.mjs';

/** A window without anything that is not under test. */
export const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  // As on the desktop; in a browser VS Code would save by itself.
  'files.autoSave': 'off',
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'terminal.integrated.gpuAcceleration': 'off',
  'update.mode': 'none',
  'window.restoreWindows': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * @param {object} [options]
 * @param {string[]} [options.vsix] extensions to install
 * @param {string} [options.development] folder of an extension that is used as it lies there; a reload of the window takes its new build
 * @param {boolean} [options.workspaceTrust] false: every folder is trusted and nobody asks
 * @param {Record<string, unknown>} [options.settings] user settings beside the quiet ones
 * @param {NodeJS.ProcessEnv} [options.env] added to the environment of the server
 */
export async function startVsCodeServer({
  vsix = [],
  development,
  workspaceTrust = false,
  settings = {},
  env = {},
} = {}) {
  const { node, vscode } = await ensureCodeServer();
  const home = mkdtempSync(join(tmpdir(), 'graceful-reload-vscode-'));
  const user = join(home, 'data', 'User');
  mkdirSync(user, { recursive: true });
  writeFileSync(
    join(user, 'settings.json'),
    JSON.stringify({ ...quietSettings, 'security.workspace.trust.enabled': workspaceTrust, ...settings }, undefined, 2),
  );
  const places = [
    '--server-data-dir',
    home,
    '--user-data-dir',
    join(home, 'data'),
    '--extensions-dir',
    join(home, 'extensions'),
  ];
  const main = join(vscode, 'out', 'server-main.js');
  const inherited = cleanEnv({
    // Tasks of the extension run `node` from the PATH.
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    // Sockets and lock files of the server go with its folder.
    XDG_RUNTIME_DIR: home,
    ...env,
  });
  // Otherwise it talks to a VS Code that this terminal belongs to.
  for (const name of Object.keys(inherited)) if (name.startsWith('VSCODE_')) delete inherited[name];
  if (vsix.length > 0) {
    const installs = vsix.flatMap((file) => ['--install-extension', file]);
    await run(node, [main, ...places, '--accept-server-license-terms', ...installs], { env: inherited });
  }
  // Not extensionDevelopmentPath: a web window honours that only together with its smoke test driver, and under that
  // driver it shows no notifications.
  if (development) {
    mkdirSync(join(home, 'extensions'), { recursive: true });
    symlinkSync(development, join(home, 'extensions', 'graceful-reload.graceful-reload-0.0.0'));
  }
  const server = startGuarded(
    node,
    [
      ...[main, ...places, '--host', '127.0.0.1', '--port', '0', '--without-connection-token'],
      ...['--accept-server-license-terms', '--telemetry-level', 'off'],
      // Else it starts a login shell and takes that one's PATH.
      '--force-disable-user-env',
      ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
    ],
    { env: inherited, stdio: ['ignore', 'pipe', 'pipe'], removeAfterwards: home },
  );
  let output = '';
  const port = await new Promise((resolve, reject) => {
    const read = (/** @type {string} */ text) => {
      output += text;
      const match = /listening on (\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
    };
    server.child.stdout?.setEncoding('utf8').on('data', read);
    server.child.stderr?.setEncoding('utf8').on('data', read);
    server.child.once('exit', (code) => reject(new Error(`the VS Code server ended with ${code}\n${output}`)));
    setTimeout(() => reject(new Error(`the VS Code server does not listen after 60 s\n${output}`)), 60_000).unref();
  }).catch(async (error) => {
    await server.stop();
    throw error;
  });
  const authority = `127.0.0.1:${port}`;
  return {
    /** Marks all its processes, see marked() in guarded.mjs. */
    mark: server.mark,
    exited: new Promise((resolve) => server.child.once('exit', resolve)),
    output: () => output,
    stop: server.stop,
    /** Address of a window on a folder, or on a workspace file. @param {string} path */
    url: (path) =>
      `http://${authority}/?${new URLSearchParams({ [path.endsWith('.code-workspace') ? 'workspace' : 'folder']: path })}`,
  };
}
