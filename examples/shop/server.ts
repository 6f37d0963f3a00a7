import { defineServer } from 'graceful-reload';
import { workers } from './src/config.ts';

// Only this file and what it imports need a restart; everything the groups load reloads when you save it.
export default defineServer({
  name: 'shop',
  groups: {
    web: { entry: './src/web.ts', workers },
    ticker: { entry: './src/ticker.ts', reloadable: false },
  },
});
