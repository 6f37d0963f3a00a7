// A server of many files of its own: one router in each of the folder `routes`, which the bench writes.
const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const express = require('express');

const app = express();
const routes = join(__dirname, 'routes');
for (const name of readdirSync(routes)) app.use(require(join(routes, name)));
app.listen(Number(process.env.PORT));
