import { describe, expect, test } from 'bun:test';
import type { LedgerRecord } from '../../src/sinks/sink.ts';
import type { Bench } from './sink.ts';

const record = (writer: string, at: number, committed: number): LedgerRecord => ({
  writer,
  at,
  items: [
    { kind: 'trade', outcome: 'committed', items: committed },
    { kind: 'run', outcome: 'drained', items: 0 },
  ],
});

const COMMITTED = `select writer, items from ledger
  where kind = 'trade' and outcome = 'committed' order by writer`;

/** The ledger table: the newest record of every writer. */
export function describeLedger(bench: Bench): void {
  describe('ledger', () => {
    test('a newer record replaces the one before, an older one changes nothing', async () => {
      await bench.record(record('one', 2_000_000, 20));
      await bench.record(record('two', 2_000_000, 7));
      await bench.record(record('one', 3_000_000, 9_007_199_254_740_991));
      await bench.record(record('one', 1_000_000, 10));
      expect(await bench.opened().texts(COMMITTED)).toEqual([
        ['one', '9007199254740991'],
        ['two', '7'],
      ]);
    });
  });
}
