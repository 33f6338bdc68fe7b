import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { spread } from './spread.ts';

test('keeps what stays where it is and fills lists that have room', () => {
  const lists = [
    ['A', 'B', 'C'],
    ['D', 'E'],
  ];
  expect(spread(lists, ['E', 'X', 'C', 'A', 'Y', 'D'], 3)).toEqual({
    kept: [
      ['A', 'C', 'X'],
      ['D', 'E', 'Y'],
    ],
    rest: [],
  });
});

test('leaves what finds no room, and does not fill a list of which nothing stays', () => {
  expect(spread([['A'], ['B', 'C']], ['B', 'X', 'Y', 'C'], 2)).toEqual({
    kept: [[], ['B', 'C']],
    rest: ['X', 'Y'],
  });
});

test('all that is wanted is in one place, nothing else is, no list exceeds the limit', () => {
  const symbols = fc.uniqueArray(fc.stringMatching(/^[a-h]$/));
  fc.assert(
    fc.property(symbols, symbols, fc.integer({ min: 1, max: 5 }), (before, wanted, most) => {
      const lists = [before.slice(0, most), before.slice(most, 2 * most)];
      const { kept, rest } = spread(lists, wanted, most);
      expect([...kept.flat(), ...rest].toSorted()).toEqual(wanted.toSorted());
      for (const list of kept) expect(list.length).toBeLessThanOrEqual(most);
      for (const [index, list] of lists.entries()) {
        const stay = list.filter((symbol) => wanted.includes(symbol));
        expect(kept[index]?.slice(0, stay.length)).toEqual(stay);
      }
    }),
  );
});
