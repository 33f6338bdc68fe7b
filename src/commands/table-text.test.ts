import { expect, test } from 'bun:test';
import type { ColumnKind, Row } from '../sinks/reader.ts';
import { tableText } from './table-text.ts';

const columns = { symbol: 'text', price: 'decimal', id: 'id', late: 'flag' } as const;

async function* from(rows: readonly Row[]): AsyncGenerator<Row> {
  for (const row of rows) yield await Promise.resolve(row);
}

async function tableOf(
  rows: readonly Row[],
  width?: number,
  of: Readonly<Record<string, ColumnKind>> = columns,
): Promise<readonly string[]> {
  let text = '';
  for await (const piece of tableText(from(rows), of, width)) text += piece;
  return text.split('\n').slice(0, -1);
}

const rows: readonly Row[] = [
  ['BTC', '97000.1', '9', false],
  ['BTC', '8', '10', false],
  ['BTC', '0.123456', null, false],
];

test('aligns decimals by their point and ids by their end', async () => {
  expect(await tableOf(rows)).toEqual([
    'symbol         price  id  late',
    'BTC     97000.1        9  false',
    'BTC         8         10  false',
    'BTC         0.123456   -  false',
  ]);
});

test('moves what is the same in all rows above a table that is too wide', async () => {
  expect(await tableOf(rows, 30)).toEqual([
    'all: symbol BTC, late false',
    '       price  id',
    '97000.1        9',
    '    8         10',
    '    0.123456   -',
  ]);
  expect(await tableOf(rows, 31)).toHaveLength(4);
});

test('leaves out and names the last columns when nothing else helps', async () => {
  expect(await tableOf(rows, 14)).toEqual([
    'all: symbol BTC, late false',
    'not shown for want of width: id',
    '       price',
    '97000.1',
    '    8',
    '    0.123456',
  ]);
});

test('shows a single row whole as far as it fits', async () => {
  expect(await tableOf([['BTC', '1', '2', true]], 14)).toEqual([
    'not shown for want of width: id, late',
    'symbol  price',
    'BTC         1',
  ]);
});

test('shows the header of no rows', async () => {
  expect(await tableOf([])).toEqual(['symbol  price  id  late']);
});

test('goes on behind the rows that decided the widths, taking nothing for granted', async () => {
  const many = Array.from({ length: 1_500 }, (_, index) => [index < 1_200 ? 'BTC' : 'ETHEREUM']);
  const lines = await tableOf(many, 3, { symbol: 'text' });
  expect(lines).toHaveLength(1_501);
  expect(lines[0]).toBe('symbol');
  expect(lines[1_500]).toBe('ETHEREUM');
});
