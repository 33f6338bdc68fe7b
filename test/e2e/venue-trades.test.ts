/** Venues whose trades come twice, in the wrong order, of the wrong time, or not at all. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import type { Peer } from '../venue/scripted-venue.ts';
import { BINANCE, binance, welcome } from '../venue/speech.ts';
import { idsOf, onStage, range } from './venue-stage.ts';

setDefaultTimeout(60_000);

const HOUR = 3_600_000;
const entry = { type: 'binance', symbols: [BINANCE], channels: ['trades'] } as const;

/** Trades of the last seconds, a millisecond apart, the last one of now. */
const market = (first: number, last: number): readonly string[] => {
  const now = Date.now();
  return range(first, last).map((id) => binance.trade(id, { at: now - (last - id) }));
};

const plays =
  (frames: () => readonly string[]) =>
  async (peer: Peer): Promise<void> => {
    await welcome(peer, binance.acknowledge);
    for (const frame of frames()) peer.send(frame);
  };

const volumes = (bars: readonly Readonly<Record<string, unknown>>[]): number =>
  bars
    .filter(({ timeframe }) => timeframe === '1s')
    .reduce((sum, bar) => sum + Number(bar['trade_count']), 0);

test.concurrent('numbers anew: both series are kept, and the seam is a gap', () =>
  onStage(
    entry,
    plays(() => {
      const now = Date.now();
      return [
        ...range(5001, 5100).map((id) => binance.trade(id, { at: now - 1000 })),
        ...range(1, 100).map((id) => binance.trade(id, { at: now })),
      ];
    }),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 200);
      expect(await metric('mdp_rows_total{kind="trade",outcome="duplicates"}')).toBe(0);
      const { trades, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual([...range(1, 100), ...range(5001, 5100)]);
      expect(gaps).toMatchObject([{ reason: 'skipped' }]);
    },
  ),
);

test.concurrent('replays the last 1,000 trades on reconnect: each is stored once', () => {
  const frames = market(1, 2000);
  return onStage(
    entry,
    async (peer, number) => {
      await welcome(peer, binance.acknowledge);
      for (const frame of number === 0 ? frames.slice(0, 1500) : frames.slice(500)) {
        peer.send(frame);
      }
      if (number === 0) setTimeout(() => peer.close(1001), 500);
    },
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 3000);
      expect(await metric('mdp_rows_total{kind="trade",outcome="duplicates"}')).toBe(1000);
      const { trades, bars, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, 2000));
      expect(volumes(bars)).toBe(2000 - trades.filter(({ late }) => late === true).length);
      expect(gaps).toEqual([]);
    },
  );
});

test.concurrent('has a clock an hour ahead: its trades are refused, and counted', () =>
  onStage(
    entry,
    plays(() => [
      binance.trade(7),
      ...range(8, 107).map((id) => binance.trade(id, { at: Date.now() + HOUR })),
    ]),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 101);
      expect(await metric('mdp_rows_total{kind="trade",outcome="rejected"}')).toBe(100);
      expect(await metric('mdp_dead_letters_total{reason="ahead"}')).toBe(100);
      const { trades, bars, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual([7]);
      expect(volumes(bars)).toBe(1);
      expect(gaps).toEqual([]);
    },
  ),
);

test.concurrent('has a clock an hour behind: its trades are stored as stale, in no bar', () =>
  onStage(
    entry,
    plays(() => range(1, 100).map((id) => binance.trade(id, { at: Date.now() - HOUR }))),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 100);
      expect(await metric('mdp_trades_late_total{reason="stale"}')).toBe(100);
      const { trades, bars } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, 100));
      expect(new Set(trades.map(({ late }) => late))).toEqual(new Set([true]));
      expect(bars).toEqual([]);
    },
  ),
);

test.concurrent('drops one frame in a hundred: every hole is known, and no other', () =>
  onStage(
    entry,
    plays(() => market(1, 5000).filter((_frame, at) => at % 100 !== 50)),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 4950);
      const missing = range(0, 49).map((hundred) => hundred * 100 + 51);
      expect(await metric('mdp_gap_trades_missing_total{source="binance"}')).toBe(50);
      const { trades, gaps } = await tables(BINANCE);
      expect(trades.length).toBe(4950);
      const holes = gaps.map((gap) => [gap['from_id'], gap['to_id'], gap['missing']]);
      expect(holes.toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(
        missing.map((id) => [`${id}`, `${id}`, 1]),
      );
      expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['skipped']));
    },
  ),
);

test.concurrent('sends every frame twice: stored once, and the copies counted', () =>
  onStage(
    entry,
    plays(() => market(1, 500).flatMap((frame) => [frame, frame])),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 1000);
      expect(await metric('mdp_rows_total{kind="trade",outcome="duplicates"}')).toBe(500);
      const { trades, bars, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, 500));
      expect(volumes(bars)).toBe(500);
      expect(gaps).toEqual([]);
    },
  ),
);

test.concurrent('swaps neighbours: all are stored, in their bars, and every hole is filled', () =>
  onStage(
    entry,
    plays(() => {
      const frames = market(1, 500);
      return frames.map((frame, at) => frames[at % 2 === 0 ? at + 1 : at - 1] ?? frame);
    }),
    async ({ decoded, metric, tables }) => {
      await decoded('trade', 500);
      expect(await metric('mdp_trades_late_total{reason="late"}')).toBe(0);
      const { trades, bars, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, 500));
      expect(volumes(bars)).toBe(500);
      expect(gaps.filter((gap) => gap['filled_at'] === null || gap['missing'] !== 0)).toEqual([]);
    },
  ),
);
