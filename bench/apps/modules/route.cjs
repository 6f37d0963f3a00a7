// One of the many files; the first of them answers the bench.
const { Router } = require('express');

const version = 'v0';

const router = Router();
router.get(/* path */ '/', (request, response) => {
  response.send(version);
});

function describe(entries) {
  const known = new Map();
  for (const { id, name, tags = [] } of entries) {
    if (known.has(id)) throw new Error(`${name} has the id of ${known.get(id).name}`);
    known.set(id, { name, tags: tags.filter((tag) => tag !== '').sort() });
  }
  return [...known].map(([id, { name, tags }]) => `${id}: ${name} (${tags.join(', ')})`);
}

module.exports = Object.assign(router, { describe });
