import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Instrument } from '../../src/market/instrument.ts';
import { eventTime, formatTime, receiveTime } from '../../src/market/time.ts';
import { ALL_GAPS, type Recounted, type UnfilledGap } from '../../src/sinks/gap-recount.ts';
import { bar, batches, gap, noon, SECOND, trade } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** Unfilled gap rows held against the trades that are there. */
const never = new AbortController().signal;

const HOLE = { from: noon + 10 * SECOND, to: noon + 20 * SECOND };

/** As `gap` of the fixtures: ids 5 to 9, from noon and 10 s to noon and 20 s. */
const inHole = (of: Instrument, id: number | bigint, at = 15, receivedAt = at) =>
  trade(of, {
    id,
    eventTime: eventTime(noon + at * SECOND),
    receiveTime: receiveTime(noon + receivedAt * SECOND),
  });

const recount = (bench: Bench, ...wanted: readonly Instrument[]): Promise<Recounted> =>
  recountFrom(bench, 0, wanted);

const recountFrom = (bench: Bench, detectedFrom: number, wanted: readonly Instrument[]) => {
  const symbols = new Set(wanted.map(({ symbol }) => symbol));
  const scope = { isWanted: ({ symbol }: { symbol: string }) => symbols.has(symbol), detectedFrom };
  return bench.opened().sink.recountGaps(scope, never);
};

const beginsAt = (seconds: number) => ({ fromTime: eventTime(noon + seconds * SECOND) });

/** Where a trade of the ids from 3 to 11 is, if anywhere: seconds from noon. */
const place = fc.option(fc.constantFrom(9, 10, 13, 20, 21), { nil: undefined });

const holes = fc.record({
  places: fc.array(place, { minLength: 9, maxLength: 9 }),
  again: fc.array(place, { minLength: 9, maxLength: 9 }),
  told: fc.integer({ min: 1, max: 5 }),
});

type Life = typeof holes extends fc.Arbitrary<infer Each> ? Each : never;

/** A hole with the trades around it, and what lacks by the naive count. */
const caseOf = (of: Instrument, { places, again, told }: Life) => {
  const trades = [places, again].flatMap((each) =>
    each.flatMap((time, index) => (time === undefined ? [] : [inHole(of, index + 3, time)])),
  );
  const counted = trades.filter(
    ({ id, eventTime: at }) => id >= 5 && id <= 9 && at >= HOLE.from && at <= HOLE.to,
  );
  const missing = Math.min(told, 5 - new Set(counted.map(({ id }) => id)).size);
  return { of, trades, told, missing };
};

export function describeRecounts(bench: Bench): void {
  test('counts each id of the hole that is there within its time, and never up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(holes, { minLength: 1, maxLength: 8 }), async (lives) => {
        const cases = lives.map((life) => caseOf(bench.fresh(), life));
        await bench.commit(batches.trades(cases.flatMap(({ trades }) => trades)));
        await bench.commit(batches.gaps(cases.map(({ of, told }) => gap(of, { missing: told }))));
        const wanted = cases.map(({ of }) => of);
        const narrowed = cases.filter(({ missing, told }) => missing < told).length;
        const filled = cases.filter(({ missing }) => missing === 0).length;
        const unfilled = cases.length;
        expect(await recount(bench, ...wanted)).toEqual({ unfilled, narrowed, filled });
        for (const { of, missing } of cases) {
          const filledAt = missing === 0 ? formatTime(noon + 21 * SECOND) : null;
          expect(await bench.read('gaps', of)).toMatchObject([{ missing, filled_at: filledAt }]);
        }
        const rest = { unfilled: unfilled - filled, narrowed: 0, filled: 0 };
        expect(await recount(bench, ...wanted)).toEqual(rest);
      }),
      { numRuns: 12 },
    );
  });

  test('fills a hole when the last of its trades came, and its bar is whole again', async () => {
    const of = bench.fresh();
    await bench.commit(batches.bars([bar(of)]));
    await bench.commit(batches.gaps([gap(of)]));
    expect(await bench.read('bars', of)).toMatchObject([{ complete: false, gap: true }]);
    const ids = [5, 6, 7, 8, 9];
    await bench.commit(batches.trades(ids.map((id) => inHole(of, id, 15, id === 7 ? 90 : 30))));
    const none = { unfilled: 0, narrowed: 0, filled: 0 };
    expect(await recountFrom(bench, noon + 21 * SECOND + 1, [of])).toEqual(none);
    const one = { unfilled: 1, narrowed: 1, filled: 1 };
    expect(await recountFrom(bench, noon + 21 * SECOND, [of])).toEqual(one);
    const [row] = await bench.read('gaps', of);
    const expected = { from_id: '5', to_id: '9', missing: 0, reason: 'skipped' };
    expect(row).toMatchObject({ ...expected, filled_at: '2026-11-23T12:01:30.000000Z' });
    expect(await bench.read('bars', of)).toMatchObject([{ complete: true, gap: false }]);
  });

  test('leaves holes of time, of quotes, of other instruments and filled ones alone', async () => {
    const [of, other] = [bench.fresh(), bench.fresh()];
    await bench.commit(batches.trades([inHole(of, 5), inHole(other, 5)]));
    await bench.commit(
      batches.gaps([
        gap(of, { ...beginsAt(1), fromId: 0, toId: 0, missing: undefined }),
        gap(of, { ...beginsAt(2), fromId: 0, toId: 0, missing: 0, reason: 'dropped' }),
        gap(of, { ...beginsAt(3), missing: 0, filledAt: receiveTime(noon) }),
        gap(other),
      ]),
    );
    const before = [await bench.read('gaps', of), await bench.read('gaps', other)];
    expect(await recount(bench, of)).toEqual({ unfilled: 0, narrowed: 0, filled: 0 });
    expect([await bench.read('gaps', of), await bench.read('gaps', other)]).toEqual(before);
  });

  test('stops on its signal and writes nothing', async () => {
    const of = bench.fresh();
    await bench.commit(batches.gaps([gap(of)]));
    await bench.commit(batches.trades([inHole(of, 5)]));
    const stopped = bench.opened().sink.recountGaps(ALL_GAPS, AbortSignal.abort());
    expect(await stopped.catch((error: unknown) => error)).toMatchObject({ code: 'aborted' });
    expect(await bench.read('gaps', of)).toMatchObject([{ missing: 5 }]);
  });
}

/** Rows of every size, and more than one hand at them. */
export function describeRecountLimits(bench: Bench): void {
  test('narrows no row whose ids span more than can be counted, and fills it alone', async () => {
    const of = bench.fresh();
    const far = 2n ** 63n - 1n;
    await bench.commit(batches.trades([inHole(of, far, 1), inHole(of, 6)]));
    const wide = gap(of, { fromId: 5, toId: far, missing: 2, reason: 'dropped' });
    const single = { fromId: far, toId: far, missing: 1, fromTime: eventTime(noon) };
    await bench.commit(batches.gaps([wide, gap(of, { ...single, reason: 'dropped' })]));
    expect(await recount(bench, of)).toEqual({ unfilled: 2, narrowed: 1, filled: 1 });
    const rows = await bench.read('gaps', of);
    expect(rows.map(({ missing }) => missing)).toEqual([0, 2]);
  });

  test('counts more trades than a page holds and more rows than a round', async () => {
    const of = bench.fresh();
    const ids = Array.from({ length: 9_000 }, (_, index) => 5 + index);
    const present = ids.filter((id) => id !== 4_711);
    await bench.commit(batches.trades(present.map((id) => inHole(of, id, 11 + (id >> 12)))));
    await bench.commit(batches.gaps([gap(of, { toId: 9_004, missing: 9_000 })]));
    const many = Array.from({ length: 600 }, (_, index) => 20_000 + 2 * index);
    const small = { fromTime: eventTime(noon), toTime: eventTime(noon + SECOND), missing: 1 };
    await bench.commit(batches.gaps(many.map((id) => gap(of, { ...small, fromId: id, toId: id }))));
    const first = many.at(0) ?? 0;
    const last = many.at(-1) ?? 0;
    await bench.commit(batches.trades([inHole(of, first, 0), inHole(of, last, 1)]));
    expect(await recount(bench, of)).toEqual({ unfilled: 601, narrowed: 3, filled: 2 });
    const large = (await bench.read('gaps', of)).filter(({ from_id: id }) => id === '5');
    expect(large).toMatchObject([{ missing: 1, filled_at: null }]);
  });

  test('two at once agree', async () => {
    const of = bench.fresh();
    await bench.commit(batches.gaps([gap(of)]));
    await bench.commit(batches.trades([inHole(of, 5), inHole(of, 9)]));
    const both = await Promise.all([recount(bench, of), recount(bench, of)]);
    expect(both.reduce((sum, { narrowed }) => sum + narrowed, 0)).toBe(1);
    expect(await bench.read('gaps', of)).toMatchObject([{ missing: 3, filled_at: null }]);
  });

  test('does not widen what was narrowed, filled or found anew meanwhile', async () => {
    const of = bench.fresh();
    await bench.commit(batches.gaps([gap(of, { missing: 3 })]));
    const tables = await bench.opened().gapTables();
    const seen: UnfilledGap = {
      instrumentId: (await tables.instruments(0))[0]?.id ?? 0,
      from: { time: HOLE.from, id: 5n },
      to: { time: HOLE.to, id: 9n },
      missing: 5n,
      isTouched: true,
    };
    const late = { gap: seen, missing: 4n, receivedTo: noon };
    expect(await tables.narrow([late])).toEqual({ narrowed: 0, filled: 0 });
    const elsewhere = { ...seen, to: { time: HOLE.to, id: 8n } };
    expect(await tables.narrow([{ ...late, gap: elsewhere, missing: 1n }])).toEqual({
      narrowed: 0,
      filled: 0,
    });
    expect(await tables.narrow([{ ...late, missing: 0n }])).toEqual({ narrowed: 1, filled: 1 });
    expect(await tables.narrow([{ ...late, missing: 0n }])).toEqual({ narrowed: 0, filled: 0 });
    const filled = { missing: 0, filled_at: formatTime(noon + 21 * SECOND) };
    expect(await bench.read('gaps', of)).toMatchObject([filled]);
  });
}
