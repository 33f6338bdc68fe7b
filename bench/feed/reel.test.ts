import { expect, test } from 'bun:test';
import { VENUES } from '../../src/venues/registry.ts';
import { decoded } from '../../test/contract/venue-decoding.ts';
import { dialects, symbolsOf, venueIds } from './dialects.ts';
import { Reel } from './reel.ts';

const symbols = 7;
const now = 1_795_435_200_123;

test.each([...venueIds])('%s: every frame decodes, ids run on over laps, times are now', (id) => {
  const reel = new Reel(dialects[id], symbolsOf(id, symbols), Math.random);
  const last = new Map<string, number>();
  for (const lap of [0, 1]) {
    for (const text of reel.texts(0, reel.length, now + lap)) {
      const { outcome, trades, rejected } = decoded(VENUES[id], text);
      expect([outcome, rejected]).toEqual(['data', []]);
      for (const trade of trades) {
        const { symbol } = trade.instrument;
        const before = last.get(symbol);
        if (before !== undefined) expect(trade.id).toBe(before + 1);
        last.set(symbol, Number(trade.id));
        expect(Math.floor(trade.eventTime / 1000)).toBe(now + lap);
      }
    }
  }
  expect(last.size).toBe(symbols);
});

test.each([...venueIds])('%s: counts the trades of a stretch', (id) => {
  const reel = new Reel(dialects[id], symbolsOf(id, symbols), Math.random);
  const texts = reel.texts(10, 60, now);
  const trades = texts.flatMap((text) => decoded(VENUES[id], text).trades);
  expect(reel.rows(10, 60)).toBe(trades.length);
});

test.each([...venueIds])('%s: answers what the venue itself would ask, and is understood', (id) => {
  const wish = { symbols: symbolsOf(id, symbols), url: undefined, trades: 'trade' } as const;
  const [plan] = VENUES[id].plan({ ...wish, channels: ['trades'] });
  const asked = plan?.subscribe.map(({ text }) => dialects[id].answer(text)) ?? [];
  expect(asked.flatMap((answer) => answer.symbols)).toEqual([...wish.symbols]);
  for (const frame of asked.flatMap(({ frames }) => frames)) {
    expect(VENUES[id].classify(frame).kind).toBe('ack');
  }
});
