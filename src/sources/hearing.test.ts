import { expect, test } from 'bun:test';
import type { Channel } from '../venues/venue.ts';
import { Hearing } from './hearing.ts';
import { Patience } from './patience.ts';

const TICK = 250;
const MUTE = 10_000;
const OVERDUE = 2000;

const listen = (patience = new Patience(60_000), channels: readonly Channel[] = both): Hearing =>
  new Hearing({
    channels,
    patience,
    muteAfterMs: MUTE,
    overdueMs: OVERDUE,
    asked: (symbol) => symbol.startsWith('A'),
  });
const both = ['trades', 'quotes'] as const;

/** Ticks for `ms`, with a quote before each. */
const quotesFor = (hearing: Hearing, ms: number): void => {
  for (let passed = 0; passed < ms; passed += TICK) {
    hearing.data('quotes', undefined);
    hearing.tick(TICK);
  }
};

const ticksFor = (hearing: Hearing, ms: number): void => {
  for (let passed = 0; passed < ms; passed += TICK) hearing.tick(TICK);
};

test('trades that fall silent while quotes flow are mute, not a moment before their time', () => {
  const hearing = listen();
  quotesFor(hearing, MUTE - TICK);
  expect(hearing.mute(true)).toBeUndefined();
  quotesFor(hearing, TICK);
  expect(hearing.mute(true)).toEqual({
    channel: 'trades',
    reason: 'connected, but no trades for 10000 ms',
  });
});

test('while nothing flows no channel is to blame', () => {
  const hearing = listen();
  ticksFor(hearing, 2 * MUTE);
  expect(hearing.mute(false)).toBeUndefined();
});

test('a channel that was not asked for owes nothing', () => {
  const hearing = listen(undefined, ['trades']);
  expect(hearing.data('quotes', undefined)).toBe(false);
  expect(hearing.data('trades', undefined)).toBe(true);
  expect(hearing.data('trades', undefined)).toBe(false);
  ticksFor(hearing, MUTE - TICK);
  expect(hearing.mute(true)).toBeUndefined();
});

test('a heartbeat that names the trade that came breaks the silence', () => {
  const hearing = listen();
  for (const channel of both) hearing.data(channel, { symbol: 'A', id: 7 });
  for (let round = 0; round < 10; round += 1) {
    ticksFor(hearing, MUTE / 2);
    expect(hearing.heartbeat({ symbol: 'A', id: 7 })).toBe(true);
  }
  expect(hearing.mute(true)).toBeUndefined();
});

test('a heartbeat that names a trade which does not come tells in seconds', () => {
  const hearing = listen();
  for (const channel of both) hearing.data(channel, { symbol: 'A', id: 7 });
  expect(hearing.heartbeat({ symbol: 'A', id: 9 })).toBe(false);
  hearing.data('quotes', { symbol: 'A', id: 9 });
  ticksFor(hearing, OVERDUE);
  expect(hearing.mute(true)).toBeUndefined();
  ticksFor(hearing, TICK);
  expect(hearing.mute(true)?.reason).toBe(
    'the heartbeat named trade 9 of A, which is not among the trades after 2000 ms',
  );
});

test('a trade that comes late, or a later one, is awaited no more', () => {
  const hearing = listen(undefined, ['trades']);
  hearing.heartbeat({ symbol: 'A', id: 9 });
  ticksFor(hearing, OVERDUE);
  hearing.data('trades', { symbol: 'A', id: 10 });
  ticksFor(hearing, OVERDUE);
  expect(hearing.mute(true)).toBeUndefined();
});

test('a product that never traded awaits nothing, and a stranger is not remembered', () => {
  const hearing = listen();
  expect(hearing.heartbeat({ symbol: 'A', id: 0 })).toBe(true);
  expect(hearing.heartbeat({ symbol: 'stranger', id: 9 })).toBe(false);
  ticksFor(hearing, MUTE - TICK);
  expect(hearing.mute(true)).toBeUndefined();
});

test('a product without a last trade does not cost the others their connection', () => {
  const hearing = listen(undefined, ['trades']);
  hearing.heartbeat({ symbol: 'A-halted', id: 9 });
  hearing.data('trades', { symbol: 'A', id: 7 });
  ticksFor(hearing, OVERDUE + TICK);
  expect(hearing.mute(true)).toBeUndefined();
  expect(hearing.heartbeat({ symbol: 'A-halted', id: 9 })).toBe(true);
  hearing.heartbeat({ symbol: 'A-halted', id: 10 });
  ticksFor(hearing, OVERDUE + TICK);
  expect(hearing.mute(true)?.reason).toContain('trade 10 of A-halted');
});

test('ids beyond 2^53 are told apart', () => {
  const hearing = listen(undefined, ['trades']);
  hearing.data('trades', { symbol: 'A', id: 9_007_199_254_740_993n });
  expect(hearing.heartbeat({ symbol: 'A', id: 9_007_199_254_740_993n })).toBe(true);
  expect(hearing.heartbeat({ symbol: 'A', id: 9_007_199_254_740_994n })).toBe(false);
});

test('patience with a channel doubles up to a cap, and ends when it is lively again', () => {
  const patience = new Patience(30_000);
  patience.lengthen('trades');
  expect(patience.stretch('trades', MUTE)).toBe(20_000);
  expect(patience.stretch('quotes', MUTE)).toBe(MUTE);
  for (let times = 0; times < 100; times += 1) patience.lengthen('trades');
  expect(patience.stretch('trades', MUTE)).toBe(30_000);
  expect(patience.stretch('trades', 40_000)).toBe(40_000);

  const hearing = listen(patience);
  quotesFor(hearing, 25_000);
  expect(hearing.mute(true)).toBeUndefined();
  hearing.data('trades', undefined);
  quotesFor(hearing, MUTE);
  expect(patience.stretch('trades', MUTE)).toBe(30_000);
  for (let round = 0; round < 10; round += 1) {
    hearing.data('trades', undefined);
    quotesFor(hearing, MUTE / 2);
  }
  expect(patience.stretch('trades', MUTE)).toBe(MUTE);
});
