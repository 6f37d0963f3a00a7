/** Where the program under test is, and the Node that it runs on. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..', '..');
/** GR_TEST_DIST: another build than that of this clone, such as the one inside the package. */
export const cli = join(process.env['GR_TEST_DIST'] ?? join(root, 'dist'), 'cli.js');
/** The Node that master and workers run on; the tests themselves always run on Node 24. */
export const node = realpathSync(process.env['GR_TEST_NODE'] ?? process.execPath);
export const fixtures = join(dirname(import.meta.dirname), 'fixtures');
