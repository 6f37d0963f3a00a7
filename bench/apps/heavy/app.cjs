// A server whose dependencies take about a second to load.
const express = require('express');
for (const name of [
  '@aws-sdk/client-s3',
  '@babel/core',
  'graphql',
  'lodash',
  'mongoose',
  'rxjs',
  'sequelize',
  'stripe',
  'typescript',
  'zod',
])
  require(name);

const version = 'v0';

const app = express();
app.get('/', (request, response) => {
  response.send(version);
});
app.listen(Number(process.env.PORT));
