import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDecimal, type Decimal } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import { createLog } from '../runtime/json-log.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import { createSqliteSink } from '../sinks/sqlite/sink.ts';
import { queryCommand } from './query.ts';

/** 2026-11-23T12:00:00Z. */
const noon = 1_795_435_200_000_000;
const clock = createSystemClock();
const never = new AbortController().signal;
const directory = mkdtempSync(join(tmpdir(), 'mdp-query-'));
const path = join(directory, 'mdp.db');
const config = join(directory, 'config.yaml');

beforeAll(async () => {
  await Bun.write(config, `database:\n  url: sqlite:${path}\n`);
  const log = createLog({ level: 'error', format: 'text', now: () => 0, write: () => undefined });
  const sink = createSqliteSink({ path, migrate: true, clock, log });
  const worker = await sink.open(never);
  const rows = Array.from({ length: 150 }, (_, index) => trade('BTCUSDT', index));
  const many = Array.from({ length: 1_000 }, (_, index) => trade('DOGEUSDT', index));
  await worker.commit({ table: 'trade', rows: [...rows, ...many, awkward], bytes: 0 }, never);
  await sink.close();
});

afterAll(() => rmSync(directory, { recursive: true }));

function trade(symbol: string, index: number): Trade {
  return {
    kind: 'trade',
    instrument: { id: symbol.length, venue: 'binance', symbol },
    eventTime: eventTime(noon + index * 1_000_000),
    receiveTime: receiveTime(noon + index * 1_000_000 + 1),
    id: index,
    ref: undefined,
    price: decimal('97000.1'),
    size: decimal('12'),
    side: 'buy',
    firstId: undefined,
    lastId: undefined,
    late: undefined,
  };
}

const awkward: Trade = {
  ...trade('ETH', 0),
  id: 2n ** 63n - 1n,
  price: decimal('0.000000000000000001'),
  ref: 'a "quoted", ref',
  side: undefined,
  late: 'late',
};

function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`Expected a decimal, got ${text}`);
  return value;
}

type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function query(args: readonly string[], closedAfter = Infinity): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      said[name] += text;
    },
    isClosed: () => said[name].length >= closedAfter,
    isTerminal: false,
    width: 80,
  });
  const outputs = { stdout: output('stdout'), stderr: output('stderr') };
  const signals = { finish: never, stop: never, hangup: new EventTarget() };
  const context = { clock, ...signals, ...outputs };
  return { code: await queryCommand([...args, '--config', config], context), ...said };
}

test('writes JSON that keeps every digit', async () => {
  const { code, stdout } = await query(['trades', 'ETH', '--format', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    {
      venue: 'binance',
      symbol: 'ETH',
      ts: '2026-11-23T12:00:00.000000Z',
      trade_id: '9223372036854775807',
      price: '0.000000000000000001',
      size: '12',
      side: null,
      receive_ts: '2026-11-23T12:00:00.000001Z',
      late: true,
      first_id: null,
      last_id: null,
      trade_ref: 'a "quoted", ref',
    },
  ]);
});

test('writes CSV by RFC 4180', async () => {
  const { stdout } = await query(['trades', 'ETH', '--format', 'csv']);
  expect(stdout).toBe(
    'venue,symbol,ts,trade_id,price,size,side,receive_ts,late,first_id,last_id,trade_ref\r\n' +
      'binance,ETH,2026-11-23T12:00:00.000000Z,9223372036854775807,0.000000000000000001,12,,' +
      '2026-11-23T12:00:00.000001Z,true,,,"a ""quoted"", ref"\r\n',
  );
});

test('aligns a table, decimals by their point', async () => {
  const { stdout } = await query(['trades', 'BTCUSDT', '--limit', '2']);
  expect(stdout.split('\n').map((line) => line.slice(0, 66))).toEqual([
    'venue    symbol   ts                           trade_id    price  ',
    'binance  BTCUSDT  2026-11-23T12:02:28.000000Z       148  97000.1  ',
    'binance  BTCUSDT  2026-11-23T12:02:29.000000Z       149  97000.1  ',
    '',
  ]);
});

test('shows the latest hundred rows in a table and says so, else all of them', async () => {
  const table = await query(['trades', 'BTCUSDT']);
  expect(table.stdout.trimEnd().split('\n')).toHaveLength(101);
  expect(table.stderr).toContain('the latest 100');
  const all = await query(['trades', 'BTCUSDT', '--format', 'csv']);
  expect(all.stdout.trimEnd().split('\r\n')).toHaveLength(151);
  expect(all.stderr).toBe('');
  expect((await query(['trades', 'BTCUSDT', '--limit', '0'])).stderr).toBe('');
});

test.each([
  [['--from', '2026-11-23T12:02:28Z'], 2],
  [['--from', '2026-11-23T12:02:28.000001'], 1],
  [['--to', '2026-11-23T12:00:01'], 1],
  [['--from', '2026-11-23T13:02+01:00'], 30],
  [['--from', '2026-11-23T12:01', '--to', '2026-11-23T12:02'], 60],
  [['--from', '2026-11-24'], 0],
  [['--to', '2026-11-24'], 150],
])('takes a range %p', async (range, expected) => {
  const { stdout } = await query(['trades', 'BTCUSDT', '--format', 'json', ...range]);
  expect(JSON.parse(stdout)).toHaveLength(expected);
});

test('tells a symbol without rows from one that nobody knows', async () => {
  const empty = await query(['gaps', 'BTCUSDT', '--format', 'json']);
  expect(empty).toEqual({ code: 0, stdout: '[]\n', stderr: 'no gaps of BTCUSDT here\n' });
  const unknown = await query(['trades', 'BTCUSD', '--format', 'json']);
  expect(unknown.code).toBe(1);
  expect(unknown.stdout).toBe('[]\n');
  expect(unknown.stderr).toBe('BTCUSD is not known here; nearest: BTCUSDT, DOGEUSDT, ETH\n');
  const elsewhere = await query(['trades', 'BTCUSDT', '--venue', 'kraken']);
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stderr).toBe('BTCUSDT is not known at kraken, but at binance\n');
});

test('stops when nobody reads any more', async () => {
  const { code, stdout } = await query(['trades', 'DOGEUSDT', '--format', 'csv'], 1);
  expect(code).toBe(0);
  expect(stdout.split('\r\n').length).toBeLessThan(1_000);
});

test('has a help with examples', async () => {
  const { code, stdout } = await query(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('mdp query bars BTCUSDT --timeframe 1m');
});

test.each([
  [[], 'expected trades, quotes, bars, gaps and a SYMBOL, got nothing'],
  [['candles', 'BTCUSDT'], 'got `candles`'],
  [['bars'], 'a SYMBOL is missing'],
  [['bars', 'BTCUSDT', 'ETHUSDT'], '`ETHUSDT` is too much'],
  [['bars', 'BTCUSDT', '--timeframe', '7m'], '--timeframe: expected one of 1s'],
  [['trades', 'BTCUSDT', '--timeframe', '1m'], 'trades have none'],
  [['bars', 'BTCUSDT', '--from', 'yesterday'], '--from: expected a time'],
  [['bars', 'BTCUSDT', '--to', '2026-02-30'], '--to: expected a time'],
  [['bars', 'BTCUSDT', '--from', '2026-11-23', '--to', '2026-11-23'], '--from must be before'],
  [['bars', 'BTCUSDT', '--limit', '-1'], '--limit'],
  [['bars', 'BTCUSDT', '--limit', 'ten'], '--limit: expected a number'],
  [['bars', 'BTCUSDT', '--format', 'xml'], '--format: expected table, json, csv'],
  [['bars', 'BTCUSDT', '--colour'], '--colour'],
])('refuses %p with the cure', async (args, message) => {
  const error = await query(args).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(error instanceof MdpError ? error.code : 'usage').toBe('usage');
  expect(String(error)).toContain(message);
});
