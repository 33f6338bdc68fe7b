/**
 * Frames of the channels we take are told by their first bytes. What that gives is held against the
 * patterns that say the same in one line each.
 */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { VENUES } from '../../src/venues/registry.ts';
import { isSymbol, readInteger } from '../../src/venues/rows.ts';
import type { Classified, Venue } from '../../src/venues/venue.ts';
import { scannedShapesOf, seedsOf } from './venue-frames.ts';
import { mutated } from './venue-mutations.ts';

const patterns: Readonly<Record<keyof typeof VENUES, RegExp>> = {
  binance:
    /^\{"(?:stream":"[^"@]+@(trade|aggTrade|bookTicker)"|e":"(trade|aggTrade|bookTicker)"|u":)/,
  coinbase: /^\{"type":"(match|last_match|ticker)"/,
  kraken: /^\{"channel":"(trade|ticker)"/,
  synthetic: /^\{"e":"(trade|quote)"/,
};

const quotes: ReadonlySet<string> = new Set(['bookTicker', 'ticker', 'quote']);

/** By the pattern alone; undefined where the whole frame decides. */
const byPattern = (id: keyof typeof VENUES, frame: string): Classified | undefined => {
  const match = patterns[id].exec(frame);
  if (match === null) return undefined;
  const channel = quotes.has(match[1] ?? match[2] ?? 'bookTicker') ? 'quotes' : 'trades';
  const last = id === 'coinbase' ? lastTradeIn(frame) : undefined;
  return last === undefined
    ? { kind: 'data', channel }
    : { kind: 'data', channel, lastTrade: last };
};

const lastTradeIn = (frame: string) => {
  const id = readInteger(/"trade_id":([0-9]+)/.exec(frame)?.[1]);
  const symbol = /"product_id":"([^"]+)"/.exec(frame)?.[1];
  return isSymbol(symbol) && id !== undefined ? { symbol, id } : undefined;
};

describe.each(['binance', 'coinbase', 'kraken', 'synthetic'] as const)('%s', (id) => {
  const venue: Venue = VENUES[id];

  test('a frame is told by its first bytes', () => {
    const decoder = new TextDecoder();
    const frames = [...scannedShapesOf(id), ...seedsOf(id)];
    let told = 0;
    fc.assert(
      fc.property(mutated(frames), (bytes) => {
        const frame = decoder.decode(bytes);
        const expected = byPattern(id, frame);
        if (expected === undefined) return;
        told++;
        expect(venue.classify(frame)).toEqual(expected);
      }),
      { numRuns: 4000 },
    );
    expect(told).toBeGreaterThan(500);
  });
});
