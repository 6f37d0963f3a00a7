// A server without dependencies.
const http = require('node:http');

const version = 'v0';

const server = http.createServer((request, response) => response.end(version));
server.listen(Number(process.env.PORT));
