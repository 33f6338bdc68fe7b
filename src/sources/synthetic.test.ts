import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { Heard } from '../../test/venue/heard.ts';
import type { SyntheticEntry } from './settings.ts';
import { createSyntheticSource } from './synthetic.ts';

const START = 1_795_435_200_000_000;

const plain: SyntheticEntry = {
  type: 'synthetic',
  count: 5,
  channels: ['trades'],
  rate: 100,
  seed: 1,
  odd: { late: 0, duplicate: 0, gap: 0 },
};

const tradeSchema = v.object({
  s: v.string(),
  i: v.number(),
  p: v.string(),
  q: v.string(),
  m: v.string(),
  t: v.number(),
});
type Frame = v.InferOutput<typeof tradeSchema>;
const quoteSchema = v.object({ e: v.literal('quote'), b: v.string(), a: v.string() });

const play = (settings: Partial<SyntheticEntry>, ms: number, start = START) => {
  const clock = new HandClock(start);
  const intake = new Heard();
  const source = createSyntheticSource({ ...plain, ...settings }, { name: 'syn', clock, intake });
  source.start();
  clock.advance(ms);
  const trades = intake.frames.filter(({ text }) => text.startsWith('{"e":"trade"'));
  return { clock, intake, source, frames: trades.map(({ text }) => parse(text)) };
};

const parse = (text: string): Frame => v.parse(tradeSchema, JSON.parse(text));

describe('synthetic source', () => {
  test('sends exactly the stated rate, at even exact times, never in the future', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 0, max: 999_999 }),
        (rate, offset) => {
          const { frames, intake } = play({ rate }, 1000, START + offset);
          expect(Math.abs(frames.length - rate)).toBeLessThanOrEqual(1);
          const spacing = 1_000_000 / rate;
          for (const [at, { t }] of frames.entries()) {
            expect(t).toBeLessThanOrEqual(intake.frames[at]?.receiveTime ?? 0);
            const before = frames[at - 1]?.t;
            if (before !== undefined) expect(Math.abs(t - before - spacing)).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('gives the same frames for the same seed and others for another', () => {
    const texts = (seed: number) => play({ seed }, 2000).intake.frames.map(({ text }) => text);
    expect(texts(7)).toEqual(texts(7));
    expect(texts(8)).not.toEqual(texts(7));
  });

  test('numbers the trades of each instrument without a hole', () => {
    const { frames } = play({ count: 7, rate: 700 }, 3000);
    const last = new Map<string, number>();
    for (const { s, i } of frames) {
      const before = last.get(s);
      if (before !== undefined) expect(i).toBe(before + 1);
      last.set(s, i);
    }
    expect([...last.keys()].toSorted()).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((number) => `SYN-00${number}`),
    );
  });

  test('writes prices and sizes as plain decimals above zero', () => {
    for (const { p, q, m } of play({}, 5000).frames) {
      expect(p).toMatch(/^\d+\.\d{2}$/);
      expect(q).toMatch(/^\d+\.\d{4}$/);
      expect(Number(p)).toBeGreaterThan(0);
      expect(Number(q)).toBeGreaterThan(0);
      expect(['b', 's']).toContain(m);
    }
  });
});

describe('synthetic source over time', () => {
  test('goes on after a restart where its market is by then: ids leave out what was missed', () => {
    const first = play({ count: 1, rate: 10 }, 1000).frames.at(-1)?.i ?? 0;
    const later = play({ count: 1, rate: 10 }, 1000, START + 61_000_000).frames[0]?.i ?? 0;
    expect(later - first).toBe(601 - 1);
  });

  test('makes odd trades in the shares asked for and leaves all others as they were', () => {
    const usual = play({ rate: 1000 }, 10_000).frames;
    const odd = play({ rate: 1000, odd: { late: 0.1, duplicate: 0.05, gap: 0.02 } }, 10_000).frames;
    const key = ({ s, i }: Frame): string => `${s} ${i}`;
    const times = new Map(usual.map((frame) => [key(frame), frame]));
    const seen = new Set<string>();
    let [late, duplicate] = [0, 0];
    for (const frame of odd) {
      const twin = times.get(key(frame));
      if (seen.has(key(frame))) duplicate += 1;
      else if (frame.t !== twin?.t) late += 1;
      expect({ ...frame, t: 0 }).toEqual({ ...frame, p: twin?.p ?? '', q: twin?.q ?? '', t: 0 });
      seen.add(key(frame));
    }
    expect(late / usual.length).toBeCloseTo(0.1, 1);
    expect(duplicate / usual.length).toBeCloseTo(0.05, 1);
    expect((usual.length - seen.size) / usual.length).toBeCloseTo(0.02, 1);
    expect(usual.length - seen.size).toBeGreaterThan(0);
  });

  test('catches up a stall without losing a trade, and of a long one only the last minute', () => {
    const short = play({ rate: 10, count: 1 }, 1000);
    short.clock.stall(20_000);
    const ids = short.intake.frames.map(({ text }) => parse(text).i);
    expect(ids.length).toBe((ids.at(-1) ?? 0) - (ids[0] ?? 0) + 1);
    expect(ids.length).toBeGreaterThanOrEqual(209);

    const long = play({ rate: 10, count: 1 }, 1000);
    const before = long.intake.frames.length;
    long.clock.stall(3_600_000);
    expect(long.intake.frames.length - before).toBeLessThanOrEqual(601);
    expect(long.intake.frames.length - before).toBeGreaterThanOrEqual(599);
  });
});

describe('synthetic source as a source', () => {
  test('waits while the intake is full', () => {
    const { clock, intake } = play({}, 1000);
    const before = intake.frames.length;
    intake.full = true;
    clock.advance(1000);
    expect(intake.frames.length).toBe(before);
    intake.makeRoom();
    clock.advance(20);
    expect(intake.frames.length).toBeGreaterThanOrEqual(before + 100);
  });

  test('ticks every 250 ms, tells its states, and is silent once stopped', async () => {
    const { clock, intake, source } = play({}, 1000);
    expect(intake.ticks.length).toBe(4);
    expect(source.report().phase).toBe('open');
    await source.stop();
    const count = intake.order.length;
    clock.advance(1000);
    expect(intake.order.length).toBe(count);
    expect(intake.stateWords()).toEqual([
      'started 0',
      'connected 1',
      'subscribed 1',
      'lost 1',
      'ended 0',
    ]);
    expect(intake.symbolsOf('subscribed')).toHaveLength(5);
    expect(source.report().phase).toBe('stopped');
  });

  test('sends a quote around the price with every trade where quotes are asked for', () => {
    const { intake } = play({ channels: ['trades', 'quotes'] }, 1000);
    const quotes = intake.frames.filter(({ text }) => text.includes('"quote"'));
    expect(quotes.length).toBe(intake.frames.length / 2);
    const [quote] = quotes.map(({ text }) => v.parse(quoteSchema, JSON.parse(text)));
    expect(Number(quote?.b)).toBeLessThan(Number(quote?.a));
  });
});
