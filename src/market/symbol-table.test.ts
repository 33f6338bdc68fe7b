import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Instruments } from './instrument.ts';

const encoder = new TextEncoder();

const find = (instruments: Instruments, venue: string, symbol: string) => {
  const bytes = encoder.encode(`"${symbol}"`);
  return instruments.symbols(venue).find(bytes, 1, bytes.length - 1);
};

test('finds by its bytes every symbol that was interned, however many there are', () => {
  const instruments = new Instruments();
  const symbols = Array.from({ length: 10_000 }, (_, at) => `S${at}USDT`);
  for (const symbol of symbols) {
    expect(find(instruments, 'v', symbol)).toBeUndefined();
    const instrument = instruments.intern('v', symbol);
    expect(find(instruments, 'v', symbol)).toBe(instrument);
  }
  for (const symbol of symbols) {
    expect(find(instruments, 'v', symbol)).toBe(instruments.intern('v', symbol));
    expect(find(instruments, 'v', `${symbol}T`)).toBeUndefined();
    expect(find(instruments, 'w', symbol)).toBeUndefined();
  }
});

test('knows what a map of texts knows', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(name), fc.array(name), (mentioned, asked) => {
      const instruments = new Instruments();
      for (const symbol of mentioned) instruments.intern('v', symbol);
      for (const symbol of [...mentioned, ...asked]) {
        const known = mentioned.includes(symbol) ? instruments.intern('v', symbol) : undefined;
        expect(find(instruments, 'v', symbol)).toBe(known);
      }
    }),
  );
});
