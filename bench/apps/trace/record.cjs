// Marks of one process on the clock that all processes of the machine share. They are kept in memory: writing takes time.
const { appendFileSync } = require('node:fs');

const file = process.env.BENCH_TRACE;
const marks = [];

exports.mark = (what, detail) => {
  marks.push(JSON.stringify({ at: Number(process.hrtime.bigint()) / 1e6, pid: process.pid, what, detail }));
};
exports.write = () => {
  if (marks.length > 0) appendFileSync(file, `${marks.splice(0).join('\n')}\n`);
};
process.on('exit', exports.write);
