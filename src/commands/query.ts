import { loadConfig } from '../config/load.ts';
import { editDistance } from '../config/nearest.ts';
import { openReader } from '../sinks/open-reader.ts';
import { columns, type Query, type Reader, type Row } from '../sinks/reader.ts';
import { EXIT, type CommandContext } from './context.ts';
import { parseQueryArguments, TABLE_ROWS, type QueryArguments } from './query-arguments.ts';
import { rowTexts } from './row-text.ts';

const QUERY_HELP = `mdp query bars|trades|quotes|gaps SYMBOL [options]

Reads rows back from the configured database, every digit of them, while a pipeline
writes or without one. Rows come in the order of their time.

  --venue ID          of this venue only (default: of every venue that has the symbol)
  --timeframe 1m      bars of this length only: 1s … 1d
  --from TIME         from this time on
  --to TIME           up to this time, which is not included
                      TIME: 2026-11-23, 2026-11-23T12:00 or 2026-11-23T12:00:00.5+01:00;
                      UTC where no zone is given
  --limit N           the latest N rows; 0 = all (default: ${TABLE_ROWS} as a table, else all)
  --format FORMAT     table; json, an array with ids and decimals as strings; csv
  --config PATH       configuration file (default: ./config.yaml, else the built-in one)

Examples:
  mdp query bars BTCUSDT --timeframe 1m --limit 20
  mdp query trades BTC-USD --venue coinbase --from 2026-11-23T12:00 --format csv > trades.csv
  mdp query gaps BTCUSDT --format json

Exit codes: 0 read (perhaps no row), 1 failed or an unknown symbol, 2 usage or configuration.
`;

/** Suggestions for a symbol that the database does not know. */
const MOST_SUGGESTIONS = 3;
/** Text gathered before it is written. */
const WRITE_CHARS = 64 * 1024;

/** `mdp query`: rows read back to the digit. */
export const queryCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const asked = parseQueryArguments(args);
  if (asked === undefined) {
    context.stdout.write(QUERY_HELP);
    return EXIT.fine;
  }
  const { config } = loadConfig({ path: asked.config, sources: 'ignored' });
  const { url, schema, sslmode, sslCa } = config.database;
  const { clock, finish } = context;
  const reader = await openReader({ url, schema, sslmode, sslCa, clock }, finish);
  try {
    return await show(reader, asked, context);
  } finally {
    await reader.close();
  }
};

const show = async (
  reader: Reader,
  { query, format, limitImplied }: QueryArguments,
  context: CommandContext,
): Promise<number> => {
  const counted = countedRows(reader.rows(query));
  const { isTerminal, width } = context.stdout;
  const columnsOfView = columns[query.kind];
  const text = rowTexts[format](counted.rows, columnsOfView, isTerminal ? width : undefined);
  await write(text, context);
  if (counted.count() === 0) return explainNothing(reader, query, context);
  if (limitImplied && counted.count() === query.limit) {
    context.stderr.write(`the latest ${TABLE_ROWS}; --limit N for more, 0 for all\n`);
  }
  return EXIT.fine;
};

const countedRows = (rows: AsyncIterable<Row>) => {
  let count = 0;
  async function* counting(): AsyncGenerator<Row> {
    for await (const row of rows) {
      count += 1;
      yield row;
    }
  }
  return { rows: counting(), count: () => count };
};

/** Until all is written, nobody reads any more, or a signal comes. */
const write = async (pieces: AsyncIterable<string>, context: CommandContext): Promise<void> => {
  let waiting = '';
  for await (const piece of pieces) {
    waiting += piece;
    if (waiting.length < WRITE_CHARS) continue;
    context.stdout.write(waiting);
    waiting = '';
    if (context.finish.aborted || context.stdout.isClosed()) return;
  }
  context.stdout.write(waiting);
};

/** A known symbol may have no rows; an unknown one is a slip. */
const explainNothing = async (
  reader: Reader,
  { kind, symbol, venue }: Query,
  context: CommandContext,
): Promise<number> => {
  const known = await reader.instruments();
  const venues = known.filter((one) => one.symbol === symbol).map((one) => one.venue);
  if (venue === undefined ? venues.length > 0 : venues.includes(venue)) {
    context.stderr.write(`no ${kind} of ${symbol} here\n`);
    return EXIT.fine;
  }
  const symbols = known.map((one) => one.symbol);
  context.stderr.write(`${symbol} is not known ${whatIsKnown(symbol, venue, venues, symbols)}\n`);
  return EXIT.failed;
};

const whatIsKnown = (
  symbol: string,
  venue: string | undefined,
  venues: readonly string[],
  symbols: readonly string[],
): string => {
  if (symbols.length === 0) return 'here; the database has no instruments yet';
  if (venues.length > 0) return `at ${venue}, but at ${venues.join(', ')}`;
  return `here; nearest: ${nearestSymbols(symbol, symbols).join(', ')}`;
};

const nearestSymbols = (symbol: string, known: readonly string[]): readonly string[] =>
  [...new Set(known)]
    .map((name) => ({ name, distance: editDistance(symbol, name) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, MOST_SUGGESTIONS)
    .map(({ name }) => name);
