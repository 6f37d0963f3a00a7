import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { watchRegistry } from '../../../src/client/watchRegistry.ts';
import { RUNTIME_DIR_VARIABLE } from '../../../src/protocol/registry.ts';

/** Resolves with the next call of `tell`. */
function calls(): { tell: () => void; next: () => Promise<void> } {
  let wake: () => void = () => undefined;
  return {
    tell: () => wake(),
    next: () =>
      new Promise((done, fail) => {
        const limit = setTimeout(() => fail(new Error('nothing was told')), 10_000);
        wake = () => {
          clearTimeout(limit);
          done();
        };
      }),
  };
}

it('a registry whose folder was removed, or moved, and made anew is watched on', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'gr-registry-'));
  const folder = join(base, 'run');
  process.env[RUNTIME_DIR_VARIABLE] = folder;
  const { tell, next } = calls();
  // A look at intervals would find it as well.
  const end = watchRegistry(tell, 3_600_000);
  t.after(() => {
    end();
    delete process.env[RUNTIME_DIR_VARIABLE];
    rmSync(base, { recursive: true });
  });
  for (const [turn, clean] of [
    () => rmSync(folder, { recursive: true }),
    () => renameSync(folder, `${folder}-away`),
    () => rmSync(folder, { recursive: true }),
  ].entries()) {
    let told = next();
    clean();
    await told;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // What is left of the telling of the removal.
    await new Promise((done) => setImmediate(done));
    told = next();
    writeFileSync(join(folder, `${turn}.json`), '{}');
    await told;
  }
});
