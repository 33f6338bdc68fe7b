/**
 * From receipt to commit at 10,000 trades a second: by the executable's own histogram, where each
 * batch counts with its oldest row, and by a client that reads the database, where each trade of
 * one instrument counts when it can first be seen. And the memory that this takes.
 */
import postgres from 'postgres';
import { symbolsOf } from '../feed/dialects.ts';
import { startFeed } from '../parts/feed.ts';
import { quantile, type Figure } from '../parts/figures.ts';
import { bucketsOf, quantileBetween, type Buckets } from '../parts/histogram.ts';
import { startExecutable } from '../parts/mdp.ts';
import { wallMs } from '../parts/messages.ts';
import { symbolCount, type Bench } from '../parts/plan.ts';
import { peakMiB } from '../parts/process.ts';

const tradesPerSecond = 10_000;
const pollMs = 2;
/** Of full speed before it, so that the compiler is through. */
const warmUpSeconds = 2;
const shares = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p999', 0.999],
] as const;

export const measureLatency = async (bench: Bench): Promise<readonly Figure[]> => {
  const { database, plan, say } = bench;
  const feed = await startFeed();
  const mdp = await startExecutable({ feed, databaseUrl: database.url, symbols: symbolCount });
  try {
    await mdp.play(tradesPerSecond * warmUpSeconds, tradesPerSecond);
    const before = bucketsOf(await mdp.get('/metrics'), 'mdp_end_to_end_seconds');
    say(`latency: ${plan.latencySeconds} s at ${tradesPerSecond} trades/s`);
    const watch = new AbortController();
    const seen = watchCommits(database.url, watch.signal);
    await mdp.play(tradesPerSecond * plan.latencySeconds, tradesPerSecond);
    watch.abort();
    const after = bucketsOf(await mdp.get('/metrics'), 'mdp_end_to_end_seconds');
    return figures(await seen, before, after, peakMiB(mdp.pid));
  } finally {
    await mdp.close();
    await feed.close();
  }
};

/**
 * Milliseconds from each trade's receipt until a query has returned it, for one instrument. Asks
 * for what is newer than all that has been seen without a hole: commits may overtake each other.
 */
const watchCommits = async (url: string, signal: AbortSignal): Promise<readonly number[]> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const delays: number[] = [];
  try {
    const [symbol = ''] = symbolsOf('binance', 1);
    const [first] = await sql<Seen[]>`
      select t.instrument_id as instrument, max(ts)::text as ts, max(trade_id) as id
      from mdp.trade t join mdp.instrument i using (instrument_id)
      where i.symbol = ${symbol} group by 1`;
    if (first === undefined) throw new Error(`no trade of ${symbol} was committed to warm up`);
    let mark = first;
    const ahead = new Map<string, string>();
    while (!signal.aborted) {
      const rows = await sql<NewRow[]>`
        select trade_id as id, ts::text as ts, extract(epoch from receive_ts)::text as received
        from mdp.trade where instrument_id = ${mark.instrument} and ts >= ${mark.ts}
          and trade_id > ${mark.id}`;
      const now = wallMs();
      for (const { id, ts, received } of rows) {
        if (ahead.has(id)) continue;
        ahead.set(id, ts);
        delays.push(now - Number(received) * 1000);
      }
      mark = advance(mark, ahead);
      await Bun.sleep(pollMs);
    }
    return delays;
  } finally {
    await sql.end({ timeout: 1 });
  }
};

type Seen = { readonly instrument: number; readonly ts: string; readonly id: string };
type NewRow = { readonly id: string; readonly ts: string; readonly received: string };

/** Moves the mark over the ids that follow it without a hole. */
const advance = (mark: Seen, ahead: Map<string, string>): Seen => {
  let { ts, id } = mark;
  for (;;) {
    const next = String(BigInt(id) + 1n);
    const found = ahead.get(next);
    if (found === undefined) return { ...mark, ts, id };
    ahead.delete(next);
    ts = found;
    id = next;
  }
};

const figures = (
  seen: readonly number[],
  before: Buckets,
  after: Buckets,
  peak: number,
): readonly Figure[] => [
  ...shares.map(([name, share]): Figure => ({
    id: `latency-${name}`,
    title: `receipt → committed, oldest of a batch, ${name}`,
    unit: 'ms',
    samples: [quantileBetween(before, after, share) * 1000],
  })),
  ...shares.map(([name, share]): Figure => ({
    id: `seen-${name}`,
    title: `receipt → seen by a client, each, ${name}`,
    unit: 'ms',
    samples: [quantile(seen, share)],
  })),
  {
    id: 'peak-memory-steady',
    title: 'peak memory at 10,000 trades/s',
    unit: 'MiB',
    samples: [peak],
  },
];
