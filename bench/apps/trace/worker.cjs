// The first line of an app: when it runs, listens, and is told to take connections.
const diagnosticsChannel = require('node:diagnostics_channel');
const { mark, write } = require('./record.cjs');

mark('entry');
process.prependListener('internalMessage', (message) => {
  mark('got', message?.t);
  if (message?.t === 'drain') write();
});
diagnosticsChannel.subscribe('tracing:net.server.listen:asyncEnd', () => mark('listening'));
