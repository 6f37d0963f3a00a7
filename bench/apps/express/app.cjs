// A server of one package.
const express = require('express');

const version = 'v0';

const app = express();
app.get('/', (request, response) => {
  response.send(version);
});
app.listen(Number(process.env.PORT));
