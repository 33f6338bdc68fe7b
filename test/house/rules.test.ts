import { describe, expect, test } from 'bun:test';
import { wrongArrows } from './arrows.ts';
import { wrongReaches } from './reach.ts';
import { maxColumns, maxFileLines, wrongSizes } from './sizes.ts';
import { emptyWords, silencedRules, unfinishedMarks } from './words.ts';

const file = (path: string, text: string) => ({ path, text });

const arrow = (path: string, target: string) =>
  wrongArrows([file(path, `import { x } from '${target}';\n`)]);

describe('arrows', () => {
  test.each([
    ['src/market/trade.ts', '../venues/venue.ts'],
    ['src/venues/binance/decode.ts', '../../sources/source.ts'],
    ['src/sources/replay.ts', '../sinks/sink.ts'],
    ['src/operators/bars.ts', '../journal/reader.ts'],
    ['src/sinks/sqlite/sink.ts', '../../pipeline/batcher.ts'],
    ['src/pipeline/build.ts', '../http/server.ts'],
    ['src/http/server.ts', '../commands/run.ts'],
    ['src/runtime/log.ts', '../market/time.ts'],
    ['src/config/load.ts', '../sinks/sink.ts'],
    ['src/commands/run.ts', '../../scripts/summary.ts'],
    ['src/odds/and-ends.ts', '../market/time.ts'],
  ])('refuses %s importing %s', (path, target) => {
    expect(arrow(path, target)).toHaveLength(1);
  });

  test.each([
    ['src/operators/bars.ts', '../market/time.ts'],
    ['src/operators/bars.ts', './watermark.ts'],
    ['src/sources/websocket.ts', '../venues/venue.ts'],
    ['src/pipeline/build.ts', '../sinks/sink.ts'],
    ['src/config/load.ts', '../sinks/settings.ts'],
    ['src/sinks/sqlite/sink.ts', '../../runtime/errors.ts'],
    ['src/commands/run.ts', '../pipeline/build.ts'],
    ['src/main.ts', './commands/run.ts'],
    ['src/sinks/sqlite/sink.ts', 'bun:sqlite'],
    ['src/sinks/sqlite/sink.test.ts', '../../../test/contract/sink.ts'],
  ])('allows %s importing %s', (path, target) => {
    expect(arrow(path, target)).toEqual([]);
  });

  test('sees type imports, re-exports and dynamic imports, and names the line', () => {
    const text = [
      `import type { A } from '../pipeline/a.ts';`,
      `export { b } from '../pipeline/b.ts';`,
      `const c = await import('../pipeline/c.ts');`,
      `import '../pipeline/d.ts';`,
    ].join('\n');
    expect(
      wrongArrows([file('src/sinks/sink.ts', text)]).map((fault) => fault.split(' ')[0]),
    ).toEqual([
      'src/sinks/sink.ts:1:',
      'src/sinks/sink.ts:2:',
      'src/sinks/sink.ts:3:',
      'src/sinks/sink.ts:4:',
    ]);
  });
});

describe('reach', () => {
  test.each([
    ['src/pipeline/build.ts', 'export const home = process.env.HOME;'],
    ['src/pipeline/build.ts', 'export const home = Bun.env.HOME;'],
    ['src/commands/run.ts', 'process.exit(1);'],
    ['src/pipeline/batcher.ts', 'export const at = Date.now();'],
    ['src/pipeline/batcher.ts', 'export const at = new Date();'],
    ['src/pipeline/batcher.ts', 'setTimeout(() => {}, 50);'],
    ['src/sources/reconnect.ts', 'export const wait = Math.random();'],
    ['src/operators/bars.ts', `import { readFileSync } from 'node:fs'; readFileSync('x');`],
    ['src/venues/binance/decode.ts', `await fetch('https://example.com');`],
    ['src/market/id.ts', `import { Database } from 'bun:sqlite'; new Database();`],
  ])('refuses %s with: %s', (path, text) => {
    expect(wrongReaches([file(path, text)])).toHaveLength(1);
  });

  test.each([
    ['src/config/environment.ts', 'export const home = process.env.HOME;'],
    ['src/main.ts', 'process.exit(1);'],
    ['src/runtime/system-clock.ts', 'export const at = Date.now();'],
    ['src/operators/bars.ts', '// never Date.now(): the receive time decides\nexport const x = 1;'],
    ['src/market/time.ts', 'export const at = new Date(0).toISOString();'],
    ['src/sources/replay.ts', `import { readFileSync } from 'node:fs'; readFileSync('x');`],
    ['src/operators/bars.test.ts', 'setTimeout(() => {}, 50);'],
  ])('allows %s with: %s', (path, text) => {
    expect(wrongReaches([file(path, text)])).toEqual([]);
  });
});

describe('sizes', () => {
  test('refuses one line and one column too many', () => {
    expect(wrongSizes([file('a.ts', '\n'.repeat(maxFileLines + 1))])).toHaveLength(1);
    expect(wrongSizes([file('a.ts', `${'x'.repeat(maxColumns + 1)}\n`)])).toHaveLength(1);
  });

  test('allows the longest file, the widest line, and a long address', () => {
    const address = `// https://example.com/${'x'.repeat(maxColumns)}\n`;
    expect(wrongSizes([file('a.ts', '\n'.repeat(maxFileLines))])).toEqual([]);
    expect(wrongSizes([file('a.ts', `${'x'.repeat(maxColumns)}\n`)])).toEqual([]);
    expect(wrongSizes([file('a.ts', address)])).toEqual([]);
  });
});

describe('words', () => {
  test.each([
    'src/utils/text.ts',
    'src/sinks/sink-manager.ts',
    'src/runtime/helpers.ts',
    'core/a.ts',
  ])('refuses the name %s', (path) => {
    expect(emptyWords([path])).toHaveLength(1);
  });

  test('allows a name that only contains such a word', () => {
    expect(emptyWords(['src/scores/encore.ts', 'src/commands/run.ts'])).toEqual([]);
  });

  test('finds marks of unfinished work and a test that silences the others', () => {
    const text = '// TODO later\n// fixme is a word here\ntest.only("x", run);\n';
    expect(unfinishedMarks([file('a.ts', text)]).map((fault) => fault.split(' ')[0])).toEqual([
      'a.ts:1:',
      'a.ts:3:',
    ]);
  });

  test('finds a lint rule that is silenced without its name or its reason', () => {
    const silent = (text: string) => silencedRules([file('a.ts', text)]).length;
    expect(silent('// oxlint-disable-next-line')).toBe(1);
    expect(silent('// eslint-disable-line no-empty')).toBe(1);
    expect(silent('// oxlint-disable -- it is in the way')).toBe(1);
    expect(silent('// oxlint-disable-next-line no-empty, eqeqeq -- the brand is made here')).toBe(
      0,
    );
  });
});
