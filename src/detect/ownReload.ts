/** Development servers that replace modules in the running program by themselves: they are left alone. */

/** Programs, or a program with its first argument. */
const OWN_RELOAD = new Set([
  ...['next', 'nuxt', 'nuxi', 'vite', 'astro', 'remix', 'gatsby', 'expo', 'vitepress', 'docusaurus', 'quasar', 'umi'],
  ...['vinxi', 'waku', 'parcel', 'storybook', 'start-storybook', 'webpack-dev-server', 'react-scripts', 'craco'],
  ...[
    'vue-cli-service',
    'svelte-kit',
    'rsbuild',
    'rspack',
    'ember',
    'rspress',
    'slidev',
    'eleventy',
    'nitro',
    'nitropack',
  ],
  ...['ng serve', 'ng start', 'webpack serve', 'react-router dev', 'wrangler dev', 'vercel dev', 'netlify dev'],
  ...['vite-node', 'nodemon-webpack-plugin', 'strapi develop', 'strapi dev', 'medusa develop', 'keystone dev'],
  ...[
    'firebase emulators:start',
    'sls offline',
    'serverless offline',
    'sst dev',
    'shopify app',
    'rw dev',
    'redwood dev',
  ],
  ...['remix-serve', 'react-router-serve', 'adonis serve', 'meteor', 'sanity dev', 'payload dev', 'tsr watch'],
]);

/** Its name when it is one. */
export function ownReloadOf(words: readonly string[]): string | undefined {
  const [program = '', first = ''] = words;
  if (OWN_RELOAD.has(program)) return first.startsWith('-') || first === '' ? program : `${program} ${first}`;
  return OWN_RELOAD.has(`${program} ${first}`) ? `${program} ${first}` : undefined;
}
