/**
 * CPU per trade by stage, each of the program's own functions alone in this process: decode (each
 * venue), operators, encode, and the driver as the rest of a commit. The stage socket is measured
 * with the bars, by a client that only counts; the journal's with the options, as what it adds.
 * What the executable needs beyond their sum is the source, the queues, and collecting garbage.
 */
import { blockOf, type Block } from '../../src/journal/block.ts';
import { RecordCursor } from '../../src/journal/record-cursor.ts';
import type { Trade } from '../../src/market/events.ts';
import { Instruments, type Instrument } from '../../src/market/instrument.ts';
import { receiveTime } from '../../src/market/time.ts';
import { createOperators } from '../../src/operators/operators.ts';
import type { OperatorsOutput, OperatorsSettings } from '../../src/operators/operator.ts';
import { createPostgresSink } from '../../src/sinks/postgres/sink.ts';
import { PackedRows } from '../../src/sinks/packed-rows.ts';
import { tradeLayout } from '../../src/sinks/packed-trades.ts';
import { BinaryRows } from '../../src/sinks/postgres/binary-rows.ts';
import { tradeTable } from '../../src/sinks/postgres/ticks.ts';
import { VENUES } from '../../src/venues/registry.ts';
import type { Emit, ScanContext, Venue } from '../../src/venues/venue.ts';
import { tradeBatch } from '../../test/postgres/rows.ts';
import { collectingLog, clock } from '../../test/postgres/sinks.ts';
import { dialects, symbolsOf, venueIds, type FeedVenue } from '../feed/dialects.ts';
import { Reel } from '../feed/reel.ts';
import type { Figure } from '../parts/figures.ts';
import { wallMs } from '../parts/messages.ts';
import { symbolCount, type Bench } from '../parts/plan.ts';

const frames = 100_000;
const blockRecords = 512;
const batchRows = 10_000;
/** Passes; the first warms up. */
const passes = 4;
const never = new AbortController().signal;

export const measureStages = async (bench: Bench): Promise<readonly Figure[]> => {
  bench.say('stages: decode, operators, encode, driver');
  const decoding = venueIds.map((venue) => [venue, decodePasses(venue)] as const);
  const [, binance = []] = decoding[0] ?? [];
  const trades = binance.map((pass) => pass.trades);
  const operators = trades.map(operatorsPass(createInstrumentedOperators()));
  const encode = trades.map(encodePass(new BinaryRows()));
  const commits = await commitPasses(bench, trades);
  return [
    ...decoding.map(([venue, each]) =>
      stage(
        `decode-${venue}`,
        each.map(({ micros }) => micros),
      ),
    ),
    stage('operators', operators),
    stage('encode', encode),
    stage(
      'driver',
      commits.map((micros, at) => micros - (encode[at] ?? 0)),
    ),
  ];
};

const stage = (name: string, micros: readonly number[]): Figure => ({
  id: `stage-${name}`,
  title: `stage ${name.replace('-', ', ')}, alone`,
  unit: 'µs',
  samples: micros.slice(1),
});

type Decoded = { readonly micros: number; readonly trades: readonly Trade[] };

const instruments = new Instruments();

/** Fresh frames each pass; ids and times go on. */
const decodePasses = (id: FeedVenue): readonly Decoded[] => {
  const venue = VENUES[id];
  const reel = new Reel(dialects[id], symbolsOf(id, symbolCount), Math.random);
  return Array.from({ length: passes }, () => {
    const blocks = blocksOf(id, textsOf(reel));
    const { emit, trades } = collect();
    const context = contextOf(id);
    const cursor = new RecordCursor();
    const micros = cpuMicros(() => {
      for (const block of blocks) decodeBlock(venue, block, cursor, context, emit);
    });
    return { micros: micros / trades.length, trades };
  });
};

/** The frames as the reader gets them. */
const blocksOf = (source: string, texts: readonly string[]): readonly Block[] => {
  const blocks: Block[] = [];
  const at = receiveTime(clock.now());
  for (let from = 0; from < texts.length; from += blockRecords) {
    const records = texts
      .slice(from, from + blockRecords)
      .map((text) => ({ kind: 'frame', receiveTime: at, source, connection: 1, text }) as const);
    blocks.push(blockOf(records, { position: 0, frames: 0 }));
  }
  return blocks;
};

/** As the pipeline's reader does. */
const decodeBlock = (
  venue: Venue,
  block: Block,
  cursor: RecordCursor,
  context: ScanContext,
  emit: Emit,
): void => {
  cursor.use(block.bytes, block.view);
  for (let at = block.from; at < block.to; at += cursor.size) {
    cursor.stand(at);
    if (!venue.scan(cursor, context, emit)) venue.decode(cursor.text(), context, emit);
  }
};

const textsOf = (reel: Reel): readonly string[] => {
  const texts: string[] = [];
  while (texts.length < frames) texts.push(...reel.texts(0, reel.length, wallMs()));
  return texts;
};

const collect = () => {
  const trades: Trade[] = [];
  const emit: Emit = {
    trade: (trade) => void trades.push(trade),
    quote: refuse,
    reject: refuse,
  };
  return { emit, trades };
};

const refuse = (): never => {
  throw new Error('the feed sends nothing but good trades');
};

const contextOf = (venue: string): ScanContext => ({
  receiveTime: receiveTime(clock.now()),
  instrument: (symbol) => interned(venue, symbol),
  position: refuse,
  known: (bytes, from, to) => instruments.symbols(venue).find(bytes, from, to),
});

const interned = (venue: string, symbol: string): Instrument => {
  const instrument = instruments.intern(venue, symbol);
  if (instrument === undefined) throw new Error('more symbols than there can be');
  return instrument;
};

/** Bars go nowhere. */
const output: OperatorsOutput = {
  trade: () => {},
  quote: () => {},
  bar: () => {},
  gap: refuse,
  duplicate: refuse,
  rejected: refuse,
};

const createInstrumentedOperators = () => {
  const settings: OperatorsSettings = {
    validate: { maxAgeMs: 600_000, maxAheadMs: 60_000 },
    bars: { timeframes: [1, 60], allowedLatenessMs: 2_000, empty: 'none' },
    epoch: 0,
    facts: () => VENUES.binance.facts,
    instrument: interned,
  };
  return createOperators(settings, output);
};

const operatorsPass =
  (operators: ReturnType<typeof createOperators>) =>
  (trades: readonly Trade[]): number =>
    cpuMicros(() => {
      for (const trade of trades) {
        operators.arrival('binance', 1, trade.receiveTime);
        operators.trade(trade, 'binance', 1);
      }
    }) / trades.length;

const oneInstrument = { of: () => 1 };

/** From the operators' rows to COPY's bytes. */
const encodePass =
  (rows: BinaryRows) =>
  (trades: readonly Trade[]): number =>
    cpuMicros(() => {
      for (let from = 0; from < trades.length; from += batchRows) {
        rows.begin();
        const batch = PackedRows.of(tradeLayout, trades.slice(from, from + batchRows));
        tradeTable.encode(rows, batch, oneInstrument);
        rows.end();
      }
    }) / trades.length;

/** A worker's commits, encoding included, into the empty table. */
const commitPasses = async (
  { database }: Bench,
  passesOfTrades: readonly (readonly Trade[])[],
): Promise<readonly number[]> => {
  const sink = createPostgresSink({
    url: database.url,
    schema: 'mdp',
    migrate: true,
    sslmode: undefined,
    sslCa: undefined,
    retentionMs: undefined,
    compressAfterMs: undefined,
    workers: 1,
    clock,
    log: collectingLog().log,
    random: Math.random,
  });
  const worker = await sink.open(never);
  const micros: number[] = [];
  for (const trades of passesOfTrades) {
    await database.empty('mdp.trade');
    const before = process.cpuUsage();
    for (let from = 0; from < trades.length; from += batchRows) {
      await worker.commit(tradeBatch(trades.slice(from, from + batchRows)), never);
    }
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / trades.length);
  }
  await worker.close();
  await sink.close();
  return micros;
};

const cpuMicros = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
};
