import { shopName } from '../config.ts';

const style =
  'body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}footer{color:#777;font-size:.8rem}';

export function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${escapeHtml(title)} - ${escapeHtml(shopName)}</title><style>${style}</style></head>
  <body>
    <h1>${escapeHtml(title)}</h1>
    ${body}
    <footer>answered by process ${process.pid}</footer>
  </body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
