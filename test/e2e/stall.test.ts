import { expect, test } from 'bun:test';
import { binanceAck, startFeed } from './feed.ts';
import { inDirectory, query, startMdp, until } from './mdp.ts';

const STALL_MS = 10_000;
const EVERY_MS = 20;
const PER_BURST = 5;

/** A trade of now, with ids from 1. */
const tradeFrame = (id: number): string => {
  const now = Date.now();
  const data = {
    e: 'trade',
    E: now,
    s: 'BTCUSDT',
    t: id,
    p: `${60_000 + (id % 97)}.5`,
    q: '0.01',
    T: now,
    m: id % 2 === 0,
  };
  return JSON.stringify({ stream: 'btcusdt@trade', data });
};

test(
  'a process that is stopped for ten seconds and continued loses no trade from its bars',
  () =>
    inDirectory(async (directory) => {
      const feed = startFeed({ frames: [], acknowledge: binanceAck });
      const source = { type: 'binance', symbols: ['BTCUSDT'], channels: ['trades'], url: feed.url };
      const env = { PIPELINE_SOURCES: JSON.stringify([source]) };
      const run = await startMdp(directory, env);
      await feed.played;
      let id = 0;
      const playing = setInterval(() => {
        void feed.send(Array.from({ length: PER_BURST }, () => tradeFrame(++id)));
      }, EVERY_MS);
      await Bun.sleep(2000);
      run.signal('SIGSTOP');
      await Bun.sleep(STALL_MS);
      run.signal('SIGCONT');
      await Bun.sleep(3000);
      clearInterval(playing);
      const last = id;
      await until(
        () => run.status(),
        ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) === last,
      );
      expect(await run.stop()).toBe(0);
      await feed.stop();

      const trades = await query(directory, 'trades', 'BTCUSDT', env);
      expect(trades.filter(({ late }) => late === true)).toEqual([]);
      const perSecond = Map.groupBy(trades, ({ ts }) => String(ts).slice(0, 19));
      const bars = await query(directory, 'bars', 'BTCUSDT', env, ['--timeframe', '1s']);
      expect(bars.length).toBe(perSecond.size);
      expect(bars.length).toBeGreaterThan(STALL_MS / 1000 + 3);
      for (const bar of bars) {
        const inside = perSecond.get(String(bar['ts']).slice(0, 19)) ?? [];
        expect({ ts: bar['ts'], count: Number(bar['trade_count']) }).toEqual({
          ts: bar['ts'],
          count: inside.length,
        });
      }
      expect(await query(directory, 'gaps', 'BTCUSDT', env)).toEqual([]);
    }),
  60_000,
);
