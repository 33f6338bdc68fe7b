/**
 * What every venue must do, over every frame we have of it and over frames that were damaged on
 * purpose.
 */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatDecimal, parseDecimal, type Decimal } from '../../src/market/decimal.ts';
import { VENUES } from '../../src/venues/registry.ts';
import type { Classified, DecodeOutcome, Venue } from '../../src/venues/venue.ts';
import { capturedFrames, describeWithCaptures } from '../captures.ts';
import { describePlans } from './venue-plans.ts';
import { decoded, freshContext, type Decoded } from './venue-decoding.ts';
import { recordedFrames, recordings, samplesOf, seedsOf } from './venue-frames.ts';

const venues: readonly Venue[] = Object.values(VENUES);

describe.each(venues.map((venue) => [venue.id, venue] as const))('%s', (_id, venue) => {
  test('reads one frame of every kind the same way each time', () => {
    for (const frame of seedsOf(venue.id)) judge(venue, frame);
  });

  test('survives whatever is damaged, and takes nothing half-read', () => {
    fc.assert(
      fc.property(damaged(seedsOf(venue.id)), (frame) => judge(venue, frame)),
      { numRuns: 3000 },
    );
  });

  test.each(monsters())('survives %s', (_name, frame) => {
    expect(venue.decode(frame, freshContext(venue), silence)).not.toBe('data');
    expect(venue.classify(frame).kind).not.toBe('data');
  });

  test('one field a hundred thousand levels deep costs the frame, not the process', () => {
    for (const seed of seedsOf(venue.id)) {
      const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
      judge(venue, seed.replace(/^\{/, `{"deep":${deep},`));
      judge(venue, seed.replace(/:[0-9]+/, `:${deep}`));
    }
  });

  describePlans(venue);
});

describeWithCaptures('recordings', () => {
  for (const venue of venues) {
    for (const recording of recordings[venue.id] ?? []) {
      test(`${venue.id} takes all there is in ${recording.path}`, () => {
        const { path, ...expected } = recording;
        const frames = capturedFrames(path);
        const found = { frames: frames.length, trades: 0, quotes: 0 };
        for (const frame of frames) {
          const { outcome, trades, quotes, rejected } = decoded(venue, frame);
          expect(rejected).toEqual([]);
          expectAgreement(venue.classify(frame), outcome);
          expect(['data', 'control']).toContain(outcome);
          found.trades += trades.length;
          found.quotes += quotes.length;
        }
        expect(found).toEqual(expected);
      });
    }

    const samples = samplesOf(venue.id);
    if (samples.length === 0) continue;

    test(`${venue.id} survives every single message of it and its siblings`, () => {
      for (const frame of samples) judge(venue, frame);
    });

    test(`${venue.id} survives damaged recordings`, () => {
      const frames = [...kinds(recordedFrames(venue.id)), ...samples];
      fc.assert(
        fc.property(damaged(frames), (frame) => judge(venue, frame)),
        { numRuns: 3000 },
      );
    });
  }
});

describeWithCaptures('Kraken', () => {
  test('every number of every Kraken frame is taken to the digit', () => {
    const frames = [...recordedFrames('kraken'), ...samplesOf('kraken')];
    const data = frames.filter((frame) => /^\{"channel":"(trade|ticker)"/.test(frame));
    for (const frame of data) {
      const { trades, quotes } = decoded(VENUES.kraken, frame);
      expect(trades.map(({ price }) => formatDecimal(price))).toEqual(
        numbers(frame, '"trade"', 'price'),
      );
      expect(trades.map(({ size }) => formatDecimal(size))).toEqual(
        numbers(frame, '"trade"', 'qty'),
      );
      expect(quotes.flatMap(({ bid }) => digits(bid))).toEqual(numbers(frame, '"ticker"', 'bid'));
      expect(quotes.flatMap(({ askSize }) => digits(askSize))).toEqual(
        numbers(frame, '"ticker"', 'ask_qty'),
      );
    }
    expect(data.length).toBeGreaterThan(5);
  });
});

describeWithCaptures('Coinbase', () => {
  test('last_match and match join without a hole, per product', () => {
    const last = new Map<string, number>();
    for (const { trades } of coinbaseFrames()) {
      for (const { instrument, id } of trades) {
        const before = last.get(instrument.symbol);
        if (before !== undefined) expect(id).toBe(before + 1);
        last.set(instrument.symbol, Number(id));
      }
    }
    expect(last.size).toBe(10);
  });

  test('the side of all 107 trades is the one that the ticker, the taker, has', () => {
    const { path = '' } = recordings['coinbase']?.[0] ?? {};
    const takers = new Map<string, string>();
    for (const frame of capturedFrames(path)) {
      const [, product, side, id] =
        /^\{"type":"ticker".*"product_id":"([^"]+)".*"side":"(\w+)".*"trade_id":(\d+)/.exec(
          frame,
        ) ?? [];
      if (id !== undefined) takers.set(`${product} ${id}`, side ?? '');
    }
    const trades = coinbaseFrames().flatMap((frame) => frame.trades);
    const shared = trades.filter(({ instrument, id }) => takers.has(`${instrument.symbol} ${id}`));
    expect(shared.length).toBe(107);
    for (const { instrument, id, side } of shared) {
      expect<string | undefined>(side).toBe(takers.get(`${instrument.symbol} ${id}`));
    }
  });
});

const silence = { trade: () => undefined, quote: () => undefined, reject: () => undefined };

/**
 * A frame is read without exception, twice the same; what comes out is sound; classify and decode
 * agree.
 */
function judge(venue: Venue, frame: string): void {
  const first = decoded(venue, frame);
  expect(decoded(venue, frame)).toEqual(first);
  expect(venue.classify(frame)).toEqual(venue.classify(frame));
  expectAgreement(venue.classify(frame), first.outcome);
  if (first.outcome !== 'data') expect(rowsOf(first)).toBe(0);
  for (const { price, size, eventTime, instrument } of first.trades) {
    expectExact(price, size);
    expect(Number.isSafeInteger(eventTime) && eventTime >= 0).toBe(true);
    expect(instrument.symbol).toMatch(/^[^\s\p{Cc}]{1,64}$/u);
  }
  for (const { bid, ask, bidSize, askSize } of first.quotes) {
    expect(bid ?? ask).toBeDefined();
    expectExact(bid, bidSize, ask, askSize);
  }
}

function rowsOf({ trades, quotes, rejected }: Decoded): number {
  return trades.length + quotes.length + rejected.length;
}

function expectExact(...values: readonly (Decimal | undefined)[]): void {
  for (const value of values) {
    if (value !== undefined) expect(parseDecimal(formatDecimal(value))).toEqual(value);
  }
}

/** What gives rows is data to the connection, and an answer or a sign of life never is. */
function expectAgreement({ kind }: Classified, outcome: DecodeOutcome): void {
  if (outcome === 'data') expect(kind).toBe('data');
  if (kind === 'unknown') expect(['data', 'control']).not.toContain(outcome);
  if (kind !== 'data' && kind !== 'unknown') expect(outcome).toBe('control');
}

/** Frames cut, stretched, repeated, with characters and numbers exchanged. */
function damaged(frames: readonly string[]): fc.Arbitrary<string> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const piece = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('"', '{', '}', '[', ']', ',', ':', 'null', '-', '1e999999999', '\\u0000'),
    fc.constantFrom('9007199254740993', '0', '-1', '1.5', '""', 'true', '\ud800', '{"e":"trade"}'),
  );
  return fc
    .tuple(fc.constantFrom(...frames), place, place, piece, fc.nat(4))
    .map(([frame, one, two, text, way]) => {
      const from = Math.floor(Math.min(one, two) * frame.length);
      const to = Math.floor(Math.max(one, two) * frame.length);
      if (way === 0) return frame.slice(0, from);
      if (way === 1) return frame.slice(0, from) + text + frame.slice(from);
      if (way === 2) return frame.slice(0, from) + frame.slice(to);
      if (way === 3) return frame.slice(0, to) + frame.slice(from);
      // A whole value exchanged keeps the frame well-formed: only the row's own checks can notice.
      return frame.replaceAll(/:(?:"[^"]*"|[0-9.]+)/g, (value, at: number) =>
        at >= from && at <= from + 12 ? `:${text}` : value,
      );
    });
}

function monsters(): readonly (readonly [string, string])[] {
  return [
    ['nothing', ''],
    ['blanks', ' \n\t'],
    ['a number', '42'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['a list of objects', '[{"e":"trade"}]'],
    ['a million open brackets', '['.repeat(1e6)],
    ['a million nested lists', `${'['.repeat(1e6)}${']'.repeat(1e6)}`],
    ['a million nested objects', `${'{"data":'.repeat(1e6)}1${'}'.repeat(1e6)}`],
    ['ten megabytes of text', `{"x":"${'y'.repeat(1e7)}"}`],
    ['a name of the language', '{"__proto__":{"e":"trade"},"constructor":1,"type":"toString"}'],
  ];
}

/** Up to 20 frames of every kind, told by the words in them. */
function kinds(frames: readonly string[]): readonly string[] {
  const found = new Map<string, string[]>();
  for (const frame of frames) {
    const kind = frame
      .slice(0, 400)
      .replaceAll(/[^a-zA-Z_":@]+/g, '')
      .slice(0, 40);
    const some = found.get(kind) ?? [];
    if (some.length < 20 && frame.length < 2000) found.set(kind, [...some, frame]);
  }
  return [...found.values()].flat();
}

/** The canonical texts of the numbers that stand behind `key` in a frame of this channel. */
function numbers(frame: string, channel: string, key: string): string[] {
  if (!frame.startsWith(`{"channel":${channel}`)) return [];
  const found = frame.matchAll(new RegExp(`"${key}":([-0-9.eE+]+)`, 'g'));
  return Array.from(found, ([, text = '']) => digits(parseDecimal(text)))
    .flat()
    .filter((text) => channel === '"trade"' || text !== '0');
}

function digits(value: Decimal | undefined): readonly string[] {
  return value === undefined ? [] : [formatDecimal(value)];
}

function coinbaseFrames(): readonly Decoded[] {
  const { path = '' } = recordings['coinbase']?.[0] ?? {};
  return capturedFrames(path).map((frame) => decoded(VENUES.coinbase, frame));
}
