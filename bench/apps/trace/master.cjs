// In front of the master: what the file system tells, and each message that it sends to a worker or gets from one.
const { ChildProcess } = require('node:child_process');
const fs = require('node:fs');
const { mark, write } = require('./record.cjs');

const WRITE_EVERY_MS = 500;

const { watch } = fs;
fs.watch = (path, options, listener) =>
  watch(path, options, (event, name) => {
    mark('event', name);
    listener(event, name);
  });

const { spawn } = ChildProcess.prototype;
ChildProcess.prototype.spawn = function (...args) {
  const result = spawn.apply(this, args);
  const { pid, send } = this;
  this.prependListener('internalMessage', (message) => mark('from', `${pid} ${message?.t}`));
  if (send)
    this.send = function (message, ...rest) {
      mark('to', `${pid} ${message?.t}`);
      return send.call(this, message, ...rest);
    };
  return result;
};

setInterval(write, WRITE_EVERY_MS).unref();
