/** Stands for what must not be replaced at every save: a feed, a game clock, the sockets of a gateway. */
const startedAt = Date.now();

setInterval(() => {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(`ticking for ${seconds} s`);
}, 10_000);

console.log('the clock is running');
