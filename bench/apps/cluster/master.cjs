// What people write by hand: node:cluster, a watched file, and worker.disconnect() once the replacement listens.
const cluster = require('node:cluster');
const fs = require('node:fs');

const [file, count] = process.argv.slice(2);
cluster.setupPrimary({ exec: file, args: [] });

const fork = () =>
  new Promise((resolve) => {
    const worker = cluster.fork();
    worker.once('listening', () => resolve(worker));
  });

let workers = [];
let isReloading = false;
let isDue = false;

async function reload() {
  isDue = true;
  if (isReloading) return;
  isReloading = true;
  while (isDue) {
    isDue = false;
    for (const old of workers.slice()) {
      const fresh = await fork();
      workers[workers.indexOf(old)] = fresh;
      old.disconnect();
      setTimeout(() => old.process.kill('SIGKILL'), 3000).unref();
    }
  }
  isReloading = false;
}

(async () => {
  workers = await Promise.all(Array.from({ length: Number(count) }, fork));
  let timer;
  fs.watch(file, () => {
    clearTimeout(timer);
    timer = setTimeout(reload, 10);
  });
})();
