import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '../..');

/** Files of the repository that a text names in code; what the build makes is not there yet. */
const named = (text: string): readonly string[] =>
  Array.from(text.matchAll(/`((?:src|test|scripts|deploy|docs|monitoring)\/[^`\s*{]+)`/g)).flatMap(
    ([, path = '']) => path,
  );

test.each(['README.md', 'docs/security.md', 'docs/operations.md', 'bench/README.md'])(
  'every file that %s names is there',
  async (document) => {
    const paths = named(await Bun.file(join(root, document)).text());
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  },
);

test('a file that is not there is found', () => {
  expect(named('see `src/nowhere.ts` and `dist/mdp` and `test/house`')).toEqual([
    'src/nowhere.ts',
    'test/house',
  ]);
  expect(existsSync(join(root, 'src/nowhere.ts'))).toBe(false);
});
