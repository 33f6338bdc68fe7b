import { expect, test } from 'bun:test';
import { countsOf, summarize } from './summary.ts';

const closing = (...counts: readonly string[]) =>
  ['(pass) a', ' 99 pass', '', ...counts, ' 20 expect() calls', 'Ran 9 tests across 2 files. [5ms]']
    .join('\n')
    .concat('\n');

test('counts the closing lines and nothing that a test printed before them', () => {
  const output = closing(' 7 pass', ' 0 fail');
  expect(countsOf(output, 0)).toEqual({ passed: 7, failed: 0, skipped: 0 });
});

test('counts the skipped, those left to do among them', () => {
  const output = closing(' 6 pass', ' 2 skip', ' 1 todo', ' 0 fail');
  expect(countsOf(output, 0)).toEqual({ passed: 6, failed: 0, skipped: 3 });
});

test('reads through colours', () => {
  const output = closing('\u001B[32m 7 pass\u001B[0m', '\u001B[31m 2 fail\u001B[0m');
  expect(countsOf(output, 1)).toEqual({ passed: 7, failed: 2, skipped: 0 });
});

test('tests that a name has left out are no failure', () => {
  const output = closing(' 1 pass', ' 2 filtered out', ' 0 fail');
  expect(countsOf(output, 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
});

test('counts a failure when the run ended badly without one', () => {
  const failed = { passed: 7, failed: 1, skipped: 0 };
  expect(countsOf(closing(' 7 pass', ' 0 fail'), 139)).toEqual(failed);
  const nothing = { passed: 0, failed: 1, skipped: 0 };
  expect(countsOf('The following filters did not match any test files:\n', 1)).toEqual(nothing);
});

test('says what all runs came to, and that some tests were skipped', () => {
  const [one, other] = [
    { passed: 7, failed: 0, skipped: 0 },
    { passed: 2, failed: 0, skipped: 3 },
  ];
  expect(summarize([one])).toEqual({ line: '7 passed, 0 failed', ok: true });
  expect(summarize([one, other])).toEqual({ line: '9 passed, 0 failed, 3 skipped', ok: true });
});

test('a failure of one run is one of all', () => {
  const [good, bad] = [
    { passed: 7, failed: 0, skipped: 0 },
    { passed: 1, failed: 2, skipped: 0 },
  ];
  expect(summarize([good, bad])).toEqual({ line: '8 passed, 2 failed', ok: false });
  expect(summarize([bad, good])).toEqual({ line: '8 passed, 2 failed', ok: false });
});

test('that no test ran is a failure', () => {
  const skipped = { passed: 0, failed: 0, skipped: 4 };
  expect(summarize([skipped])).toEqual({ line: '0 passed, 1 failed, 4 skipped', ok: false });
  expect(summarize([])).toEqual({ line: '0 passed, 1 failed', ok: false });
});
