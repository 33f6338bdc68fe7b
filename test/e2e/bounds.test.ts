/** What the program does at the bounds of its queues and its memory, through the executable. */
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { inDirectory, mdp, query, startMdp, until, type Environment, type Running } from './mdp.ts';

const KiB = 1024;

const synthetic = (rate: number): Environment => ({
  PIPELINE_JOURNAL_ENABLED: 'false',
  PIPELINE_SOURCES: JSON.stringify([
    { type: 'synthetic', symbols: ['SYN-001'], channels: ['trades'], rate },
  ]),
});

const waitingBytes = async (run: Running): Promise<number> => {
  const text = await (await run.get('/metrics')).text();
  return Number(/^mdp_memory_waiting_bytes (\d+)/m.exec(text)?.[1]);
};

describe('memory full of records that wait for the operators', () => {
  for (const policy of ['block', 'drop_oldest', 'drop_newest']) {
    test(`is emptied by reading them, with sink policy ${policy}`, () =>
      inDirectory(async (directory) => {
        const run = await startMdp(directory, {
          ...synthetic(20_000),
          PIPELINE_MAX_MEMORY_BYTES: String(512 * KiB),
          PIPELINE_OP_QUEUE_MAX: '10000',
          PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '2000',
          PIPELINE_SINK_BACKPRESSURE_POLICY: policy,
        });
        const decoded = async () => (await run.status()).ledger.frames;
        const full = await until(decoded, (frames) => (frames['dropped'] ?? 0) > 0);
        await until(decoded, (frames) => (frames['decoded'] ?? 0) > (full['decoded'] ?? 0) + 1000);
        expect(await waitingBytes(run)).toBeLessThan(640 * KiB);
        const { ledger } = await run.status();
        expect(ledger.balanced).toBe(true);
        expect(ledger.rows['trade']?.['dropped']).toBe(0);
        expect(await run.stop()).toBe(0);
      }));
  }
});

test('a drain gives nothing up under drop_oldest, and every drop before it has its gap row', () =>
  inDirectory(async (directory) => {
    const env = {
      ...synthetic(30_000),
      PIPELINE_BATCH_SIZE: '50',
      PIPELINE_SINK_QUEUE_MAX: '1',
      PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest',
    };
    const run = await startMdp(directory, env);
    await until(
      () => run.status(),
      ({ ledger }) => (ledger.rows['trade']?.['dropped'] ?? 0) > 1000,
    );
    const metrics = await (await run.get('/metrics')).text();
    expect(metrics).toMatch(/^mdp_gaps_total\{source="synthetic",reason="dropped"\} [1-9]/m);
    expect(await run.stop()).toBe(0);
    const stored = (await query(directory, 'trades', 'SYN-001')).map((row) =>
      Number(row['trade_id']),
    );
    const gaps = await query(directory, 'gaps', 'SYN-001');
    const ids = [
      ...stored,
      ...gaps.flatMap((gap) => [Number(gap['from_id']), Number(gap['to_id'])]),
    ];
    const span = ids.reduce((a, b) => Math.max(a, b)) - ids.reduce((a, b) => Math.min(a, b)) + 1;
    const missing = gaps.reduce((sum, gap) => sum + Number(gap['missing']), 0);
    expect(missing).toBe(span - stored.length);
  }));

test('a replay gives nothing up, whatever the policies', () =>
  inDirectory(async (directory) => {
    const frames = Array.from({ length: 5000 }, (_, at) => {
      const trade = `{"e":"trade","s":"A","i":${at},"p":"1","q":"1","m":"b","t":${1e15 + at}}`;
      return `${1e15 + at} ${trade}\n`;
    });
    await Bun.write(join(directory, 'hft-a'), frames.join(''));
    const env = {
      PIPELINE_BATCH_SIZE: '10',
      PIPELINE_OP_QUEUE_MAX: '4',
      PIPELINE_DROP_POLICY: 'newest',
      PIPELINE_SINK_QUEUE_MAX: '1',
      PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest',
    };
    const { code } = await mdp(directory, ['replay', 'hft-a', '--venue', 'synthetic'], env);
    expect(code).toBe(0);
    expect((await query(directory, 'trades', 'A')).length).toBe(5000);
    expect(await query(directory, 'gaps', 'A')).toEqual([]);
  }));
