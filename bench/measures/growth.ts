/**
 * What becomes of trades committed a second as things grow (e): instruments, connections, and the
 * table that they go into.
 */
import { perSecond, type Contender } from '../parts/contender.ts';
import { startFeed } from '../parts/feed.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import { startExecutable } from '../parts/mdp.ts';
import { repeat, symbolCount, type Bench } from '../parts/plan.ts';

const instrumentCounts = [1, 100, 10_000] as const;
const connectionCounts = [1, 4, 16] as const;
/** Plays into a table of some size, each a quarter of the usual: the size must stay what it is. */
const tablePlays = 3;
const tableShare = 0.25;
/** Rows of one insert that fills the table. */
const fillRows = 1_000_000;

type Setup = { readonly symbols: number; readonly sources: number };

export const measureGrowth = async (bench: Bench): Promise<readonly Figure[]> => [
  ...(await inInstruments(bench)),
  ...(await inConnections(bench)),
  ...(await inTable(bench)),
];

const inInstruments = async (bench: Bench): Promise<readonly Figure[]> => {
  const rates = await compare(
    bench,
    'instruments',
    instrumentCounts.map((symbols) => ({ symbols, sources: 1 })),
  );
  const [, hundred = [], most = []] = rates;
  return [
    ...rates.map((samples, at) => rateOf(`instruments-${instrumentCounts[at]}`, samples)),
    ratioOf(
      { id: 'e-instruments', title: 'e. 10,000 instruments ÷ 100', better: 'more' },
      most,
      hundred,
    ),
  ];
};

const inConnections = async (bench: Bench): Promise<readonly Figure[]> => {
  const rates = await compare(
    bench,
    'connections',
    connectionCounts.map((sources) => ({ symbols: 16 * symbolCount, sources })),
  );
  const [one = [], , most = []] = rates;
  return [
    ...rates.map((samples, at) => rateOf(`connections-${connectionCounts[at]}`, samples)),
    ratioOf({ id: 'e-connections', title: 'e. 16 connections ÷ 1', better: 'more' }, most, one),
  ];
};

/** Each setup runs once a round, all of them on the same empty table. */
const compare = async (
  bench: Bench,
  what: string,
  setups: readonly Setup[],
): Promise<readonly (readonly number[])[]> => {
  const running: Contender[] = [];
  const feeds = await Promise.all(setups.map(() => startFeed()));
  try {
    for (const [at, feed] of feeds.entries()) {
      const { symbols, sources } = setups[at] ?? { symbols: 1, sources: 1 };
      const databaseUrl = bench.database.url;
      running.push(await startExecutable({ feed, databaseUrl, symbols, sources }));
    }
    const rounds = await repeat(bench, what, () => eachInTurn(bench, running));
    return setups.map((_, at) => rounds.map((rates) => rates[at] ?? Number.NaN));
  } finally {
    for (const mdp of running) await mdp.close();
    for (const feed of feeds) await feed.close();
  }
};

const eachInTurn = async (
  bench: Bench,
  running: readonly Contender[],
): Promise<readonly number[]> => {
  const rates: number[] = [];
  for (const mdp of running) {
    await bench.database.empty('mdp.trade');
    rates.push(await committedPerSecond(mdp, bench.plan.stored));
  }
  return rates;
};

const inTable = async (bench: Bench): Promise<readonly Figure[]> => {
  const { database, plan, say } = bench;
  const feed = await startFeed();
  const mdp = await startExecutable({ feed, databaseUrl: database.url, symbols: symbolCount });
  const figures: Figure[] = [];
  try {
    await database.empty('mdp.trade');
    await mdp.play(plan.stored * tableShare);
    for (const rows of plan.tableRows.toSorted((a, b) => a - b)) {
      say(`a table of ${rows} rows`);
      await fill(bench, rows);
      const samples: number[] = [];
      for (let at = 0; at < tablePlays; at += 1) {
        samples.push(await committedPerSecond(mdp, plan.stored * tableShare));
      }
      figures.push(rateOf(`table-${rows}`, samples));
    }
    return figures;
  } finally {
    await mdp.close();
    await feed.close();
    await database.empty('mdp.trade');
  }
};

/** Fills today's partition up to `rows` with trades from its beginning until now. */
const fill = async ({ database }: Bench, rows: number): Promise<void> => {
  const [row] = await database.run('select count(*)::int as n from mdp.trade');
  for (let have = Number(row?.['n']); have < rows; have += fillRows) {
    const count = Math.min(fillRows, rows - have);
    await database.run(`
      insert into mdp.trade (instrument_id, ts, trade_id, receive_ts, price, size, side, late)
      select 1 + n % ${symbolCount},
        midnight + (n / ${count}.0) * (now() - midnight),
        ${have} + n, now(), 100 + n % 1000 * 0.01, 0.5, 'b', 0
      from generate_series(1, ${count}) n, date_trunc('day', now(), 'UTC') midnight`);
  }
  await database.run('vacuum analyze mdp.trade');
  await database.run('checkpoint');
};

const committedPerSecond = async (mdp: Contender, frames: number): Promise<number> => {
  const run = await mdp.play(frames);
  return perSecond(run.trades, run);
};

const rateOf = (id: string, samples: readonly number[]): Figure => ({
  id,
  title: `committed, ${id.replace('-', ': ')}`,
  unit: '/s',
  samples,
});
