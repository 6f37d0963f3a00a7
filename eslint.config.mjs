// The folder of a source says which process runs it, and what it may use: the boundaries below keep that true.
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Folder under src -> folders of src that it may import. Everything else of ours is out of bounds. */
const arrows = {
  // Its results are part of the status document: the words for them stand in protocol.
  core: ['protocol'],
  protocol: [],
  platform: ['protocol'],
  tracking: ['protocol'],
  // Reads projects for all who start a server: CLI, extension, and the master for the loader.
  detect: [],
  client: ['protocol', 'platform'],
  master: ['protocol', 'core', 'platform', 'detect'],
  // At run time the worker loads the bundle of bootstrap only in a process that may be a bootstrap script's.
  worker: ['tracking', 'protocol', 'platform', 'bootstrap'],
  bootstrap: ['tracking', 'protocol', 'platform'],
  cli: ['client', 'protocol', 'platform', 'detect'],
  extension: ['client', 'protocol', 'core', 'platform', 'detect'],
};

const noVscode = {
  regex: '^vscode$',
  message: 'Only src/extension runs in the extension host; everywhere else this module does not exist.',
};

const onlyTheLanguage = {
  regex: '^[^.]',
  message: 'core decides and does nothing: no Node, no packages, so that it runs anywhere and its tests need no fakes.',
};

function boundary(folder) {
  const forbidden = Object.keys(arrows).filter((other) => other !== folder && !arrows[folder].includes(other));
  const allowed = arrows[folder].join(', ') || 'nothing of ours';
  const patterns = [
    {
      regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
      message: `src/${folder} may import ${allowed}. What both sides need belongs to a folder that both may import.`,
    },
  ];
  if (folder !== 'extension') patterns.push(noVscode);
  if (folder === 'core') patterns.push(onlyTheLanguage);
  return { files: [`src/${folder}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

const noClock = 'core gets the time and its deadlines from its caller, so that a test can play any order of events.';

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'test/**/fixtures/**',
      'examples/**',
      'bench/apps/**',
      'bench/results/**',
      '**/node_modules/**',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['after', 'afterEach', 'before', 'beforeEach', 'describe', 'it', 'suite', 'test'],
            },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['src/**/*.ts'], rules: { 'no-console': 'error' } },
  {
    // The bundle next door and the user's program can only be reached when the program runs.
    files: ['src/cli/main.ts', 'src/worker/preload.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  ...Object.keys(arrows).map(boundary),
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance'].map((name) => ({
          name,
          message: noClock,
        })),
        ...['process', 'Buffer', 'fetch', 'require'].map((name) => ({ name, message: onlyTheLanguage.message })),
      ],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: noClock }],
    },
  },
  {
    files: ['media/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['acquireVsCodeApi', 'document', 'setInterval', 'window'].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'Buffer',
          'URL',
          'URLSearchParams',
          'clearTimeout',
          'console',
          'fetch',
          'performance',
          'process',
          'setInterval',
          'setTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);
