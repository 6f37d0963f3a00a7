import assert from 'node:assert/strict';
import { it } from 'node:test';
import { packageOf } from '../../../src/master/installation.ts';

it('the package that a specifier is of', () => {
  const cases: [string, string | undefined][] = [
    ['express', 'express'],
    ['lodash/fp', 'lodash'],
    ['@nestjs/core', '@nestjs/core'],
    ['@nestjs/core/testing/index.js', '@nestjs/core'],
    ['socket.io', 'socket.io'],
    ['@nestjs', undefined],
    ['./here', undefined],
    ['../there', undefined],
    ['/srv/app.js', undefined],
    ['C:\\srv\\app.js', undefined],
    ['#inner', undefined],
    ['node:nothing', undefined],
    ['file:///srv/app.js', undefined],
    ['', undefined],
  ];
  for (const [specifier, name] of cases) assert.equal(packageOf(specifier), name, specifier);
});
