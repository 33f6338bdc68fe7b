import { describe, expect, test } from 'bun:test';
import { renewals, twins } from './lives.ts';
import { live } from './simulate.ts';
import { judgeUnbroken } from './verdict/unbroken.ts';
import { judge } from './verdict/verdict.ts';

/** Of the suite; `dev.sh soak renewal` has a million. */
const FRAMES = 60_000;

describe.each(['binance', 'kraken'] as const)('%s', (venue) => {
  test('connections renewed before their greatest age lose and double no trade', async () => {
    const life = await live(renewals(1, venue, FRAMES), { lookEveryMs: 10_000 });
    expect(judge(life)).toEqual([]);
    expect(judgeUnbroken(life)).toEqual([]);
    const report = life.pipeline.sources[0]?.report();
    expect(report).toMatchObject({ disconnects: 0, reconnects: 0, mutes: 0 });
    expect(report?.connects).toBeGreaterThanOrEqual(Math.floor(life.scenario.durationMs / 60_000));
    expect(life.faults.of('connection_aged_out')).toBe(0);
    expect(life.venue.mostOpen).toBe(2);
    expect(life.pipeline.ledger.rows.trade.duplicates).toBeGreaterThan(0);
  });

  test('either of two connections may be dropped: no trade is lost or doubled', async () => {
    const life = await live(twins(2, venue, FRAMES), { lookEveryMs: 10_000 });
    expect(judge(life)).toEqual([]);
    expect(judgeUnbroken(life)).toEqual([]);
    expect(life.faults.of('connection_dropped')).toBeGreaterThanOrEqual(8);
    expect(life.pipeline.sources[0]?.report().disconnects).toBe(
      life.faults.of('connection_dropped'),
    );
    const { committed, duplicates } = life.pipeline.ledger.rows.trade;
    expect(duplicates).toBeGreaterThan(committed * 0.8);
  });
});
