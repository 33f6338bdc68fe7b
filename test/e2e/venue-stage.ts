/**
 * The executable against a scripted venue on a real socket: what the script does wrong must show in
 * tables, metrics, health and the spacing of reconnects as it is asserted.
 */
import * as v from 'valibot';
import { startScriptedVenue, type Script, type ScriptedVenue } from '../venue/scripted-venue.ts';
import { inDirectory, query, startMdp, until, type Rows, type Running } from './mdp.ts';

/** An entry under `sources:`; its `url` is the scripted venue's. */
export type Entry = {
  readonly type: 'binance' | 'coinbase' | 'kraken';
  readonly symbols: readonly string[];
  readonly [option: string]: unknown;
};

export type Tables = Readonly<Record<'trades' | 'quotes' | 'bars' | 'gaps', Rows>>;

export type OnStage = {
  readonly run: Running;
  readonly venue: ScriptedVenue;
  /** /status of the one source. */
  readonly source: () => Promise<SourceStatus>;
  /** Waits until the source's status is as wanted. */
  readonly seen: (wanted: (source: SourceStatus) => boolean) => Promise<SourceStatus>;
  /** Waits until so many rows of a kind have been decoded. */
  readonly decoded: (kind: 'trade' | 'quote', count: number) => Promise<void>;
  /** A metric's value; its labels as they stand in the exposition, `{source="binance"}`. */
  readonly metric: (name: string) => Promise<number>;
  /** Status and reason of the source in /health. */
  readonly health: () => Promise<{ readonly status: string; readonly reason: string | null }>;
  /** Waits until so many different trades have been taken. */
  readonly taken: (count: number) => Promise<void>;
  /**
   * Waits between connections as the venue saw them, in ms, and what a venue on a busy machine may
   * have seen too late: a fifth and 200 ms are added.
   */
  readonly spacing: () => readonly number[];
  /** Stops the program, which must drain to 0 with a balanced ledger, and reads its tables. */
  readonly tables: (symbol: string) => Promise<Tables>;
};

const sourceStatus = v.object({
  phase: v.string(),
  reason: v.nullable(v.string()),
  connections_open: v.number(),
  connects: v.number(),
  disconnects: v.number(),
  reconnects: v.number(),
  mutes: v.number(),
  frames: v.number(),
  empty_frames: v.number(),
  oversized_frames: v.number(),
  symbols: v.array(
    v.object({
      symbol: v.string(),
      state: v.string(),
      reason: v.nullable(v.string()),
      last_heard_at: v.nullable(v.string()),
    }),
  ),
});

export type SourceStatus = v.InferOutput<typeof sourceStatus>;

const statusSchema = v.object({ sources: v.array(sourceStatus) });
const healthSchema = v.object({
  entries: v.array(
    v.object({ kind: v.string(), status: v.string(), reason: v.optional(v.string()) }),
  ),
});

/** What tests wait for at most: generous, since machines may be busy. */
const PATIENCE_MS = 30_000;

export const onStage = (
  entry: Entry,
  script: Script,
  play: (stage: OnStage) => Promise<void>,
): Promise<void> =>
  inDirectory(async (directory) => {
    const venue = await startScriptedVenue(script);
    const sources = JSON.stringify([{ ...entry, url: venue.url }]);
    const run = await startMdp(directory, { PIPELINE_SOURCES: sources });
    try {
      await play(stageOf(directory, run, venue));
    } finally {
      run.signal('SIGKILL');
      await run.exited;
      await venue.stop();
    }
  });

const stageOf = (directory: string, run: Running, venue: ScriptedVenue): OnStage => {
  const source = async (): Promise<SourceStatus> => {
    const [first] = v.parse(statusSchema, await (await run.get('/status')).json()).sources;
    if (first === undefined) throw new Error('no source in /status');
    return first;
  };
  return {
    run,
    venue,
    source,
    seen: (wanted) => until(source, wanted, PATIENCE_MS),
    decoded: async (kind, count) => {
      const rows = async () => (await run.status()).ledger.rows[kind]?.['decoded'] ?? 0;
      await until(rows, (decoded) => decoded >= count, PATIENCE_MS);
    },
    taken: async (count) => {
      await until(
        () => run.status(),
        ({ ledger: { rows } }) =>
          (rows['trade']?.['decoded'] ?? 0) - (rows['trade']?.['duplicates'] ?? 0) >= count,
        PATIENCE_MS,
      );
    },
    metric: async (name) => {
      const text = await (await run.get('/metrics')).text();
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      if (line === undefined) throw new Error(`no ${name} in /metrics`);
      return Number(line.slice(name.length + 1));
    },
    health: async () => {
      const { entries } = v.parse(healthSchema, await (await run.get('/health')).json());
      const entry = entries.find(({ kind }) => kind === 'source');
      return { status: entry?.status ?? 'missing', reason: entry?.reason ?? null };
    },
    spacing: () =>
      venue.connectedAt.slice(1).map((at, i) => (at - (venue.connectedAt[i] ?? 0)) * 1.2 + 200),
    tables: (symbol) => drained(directory, run, symbol),
  };
};

const drained = async (directory: string, run: Running, symbol: string): Promise<Tables> => {
  const { ledger } = await run.status();
  if (!ledger.balanced) throw new Error(`the ledger does not balance: ${JSON.stringify(ledger)}`);
  const code = await run.stop();
  if (code !== 0) throw new Error(`mdp exited with ${code}:\n${run.log()}`);
  const [trades, quotes, bars, gaps] = await Promise.all([
    query(directory, 'trades', symbol),
    query(directory, 'quotes', symbol),
    query(directory, 'bars', symbol),
    query(directory, 'gaps', symbol),
  ]);
  return { trades, quotes, bars, gaps };
};

/** The trade ids of rows, ascending. */
export const idsOf = (trades: Rows): readonly number[] =>
  trades.map((trade) => Number(trade['trade_id'])).toSorted((a, b) => a - b);

/** The integers from `first` to `last`. */
export const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
