// A server of many files that tells how often it was started.
const { appendFileSync, existsSync, readdirSync } = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const version = 'v0';

appendFileSync(process.env.BENCH_STARTS, `${version}\n`);
const folder = path.join(__dirname, 'parts');
const parts = existsSync(folder) ? readdirSync(folder).map((name) => require(path.join(folder, name))) : [];

const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  while (request.url === '/hang');
  if (request.url === '/pid') return response.end(String(process.pid));
  if (request.url === '/parts') return response.end(String(parts.reduce((sum, part) => sum + part, 0)));
  setTimeout(() => response.end(version), request.url === '/slow' ? 200 : 0);
});
server.listen(Number(process.env.PORT));
