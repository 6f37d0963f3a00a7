/** Compiles files through whatever loaders this process has, and evaluates none of them. */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import vm from 'node:vm';

/** Rejects with the first error. Registered last, so the other loaders' hooks run inside ours and we see what they made. */
export async function compileFiles(files: readonly string[]): Promise<void> {
  if (typeof Module.registerHooks !== 'function') return;
  const urls = new Set(files.map((file) => pathToFileURL(file).href));
  Module.registerHooks({
    load(url, context, next) {
      if (!urls.has(url)) return next(url, context);
      const { format, source } = next(url, context);
      compile(url, format ?? undefined, source);
      return { format: 'module', source: '', shortCircuit: true };
    },
  });
  for (const url of urls) await import(url);
}

function compile(url: string, format: string | undefined, source: unknown): void {
  const filename = fileURLToPath(url);
  let text =
    typeof source === 'string'
      ? source
      : source
        ? Buffer.from(source as Uint8Array).toString('utf8')
        : readFileSync(filename, 'utf8');
  if (format?.endsWith('-typescript')) text = Module.stripTypeScriptTypes(text);
  if (format === 'json') JSON.parse(text);
  else if (format?.startsWith('module')) compileModule(text, url);
  else if (format?.startsWith('commonjs')) compileScript(text, filename);
}

function compileModule(text: string, identifier: string): void {
  // Behind a flag of Node, which the check's process is started with.
  const { SourceTextModule } = vm as unknown as { SourceTextModule?: new (text: string, options: object) => unknown };
  if (SourceTextModule) new SourceTextModule(text, { identifier });
}

function compileScript(text: string, filename: string): void {
  new vm.Script(`(function (exports, require, module, __filename, __dirname) { ${text}\n})`, { filename });
}
