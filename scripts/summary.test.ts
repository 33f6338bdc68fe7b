import { expect, test } from 'bun:test';
import { summarize } from './summary.ts';

const closing = (...counts: readonly string[]) =>
  ['(pass) a', ' 99 pass', '', ...counts, ' 20 expect() calls', 'Ran 9 tests across 2 files. [5ms]']
    .join('\n')
    .concat('\n');

test('counts the closing lines and nothing that a test printed before them', () => {
  const output = closing(' 7 pass', ' 0 fail');
  expect(summarize(output, 0)).toEqual({ line: '7 passed, 0 failed', ok: true });
});

test('says how many were skipped, those left to do among them', () => {
  const output = closing(' 6 pass', ' 2 skip', ' 1 todo', ' 0 fail');
  expect(summarize(output, 0)).toEqual({ line: '6 passed, 0 failed, 3 skipped', ok: true });
});

test('reads through colours', () => {
  const output = closing('\u001B[32m 7 pass\u001B[0m', '\u001B[31m 2 fail\u001B[0m');
  expect(summarize(output, 1)).toEqual({ line: '7 passed, 2 failed', ok: false });
});

test('tests that a name has left out are no failure', () => {
  const output = closing(' 1 pass', ' 2 filtered out', ' 0 fail');
  expect(summarize(output, 0)).toEqual({ line: '1 passed, 0 failed', ok: true });
});

test('counts a failure when the run ended badly without one', () => {
  expect(summarize(closing(' 7 pass', ' 0 fail'), 139)).toEqual({
    line: '7 passed, 1 failed',
    ok: false,
  });
});

test('a run in which no test ran is a failure', () => {
  expect(summarize(closing(' 0 pass', ' 4 skip', ' 0 fail'), 0)).toEqual({
    line: '0 passed, 1 failed, 4 skipped',
    ok: false,
  });
  expect(summarize('The following filters did not match any test files:\n', 1)).toEqual({
    line: '0 passed, 1 failed',
    ok: false,
  });
});
