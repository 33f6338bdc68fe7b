import { expect, test } from 'bun:test';
import { CONTENTS, expectDiscreet, SECRETS, shownIn } from './canaries.ts';

const all = { ...SECRETS, ...CONTENTS };

test.each([
  ['as it stands', (canary: string) => `a ${canary} b`],
  ['in another case', (canary: string) => canary.toUpperCase()],
  ['in hex', (canary: string) => Buffer.from(`x${canary}y`).toString('hex')],
  ['in base64', (canary: string) => Buffer.from(canary).toString('base64')],
  ['in base64 within more', (canary: string) => Buffer.from(`u:${canary}`).toString('base64')],
  ['in base64url', (canary: string) => Buffer.from(`key=${canary}&`).toString('base64url')],
])('every canary is found %s', (_, form) => {
  for (const [name, canary] of Object.entries(all))
    expect(shownIn(form(canary), all)).toContain(name);
});

test('a price is found without its point', () => {
  expect(shownIn('{"digits":3133727182818,"scale":8}', all)).toEqual(['price']);
});

test('what says nothing passes, and what proves nothing does not', () => {
  const said = { code: 0, stdout: 'rows: 3', stderr: '' };
  expectDiscreet(said, 'rows');
  expect(() => expectDiscreet(said, 'columns')).toThrow();
  expect(() => expectDiscreet({ ...said, stderr: SECRETS.password }, 'rows')).toThrow();
  expect(() => expectDiscreet({ ...said, stdout: CONTENTS.price }, 'rows')).toThrow();
  expectDiscreet({ ...said, stdout: `rows ${CONTENTS.price}` }, 'rows', 'data');
});
