import type { Cell, ColumnKind, Row } from '../sinks/reader.ts';
import { tableText } from './table-text.ts';

/** How rows become text: exactly, in three forms. Each yields pieces of text as the rows come. */
export const rowFormats = ['table', 'json', 'csv'] as const;

export type RowFormat = (typeof rowFormats)[number];

export type Columns = Readonly<Record<string, ColumnKind>>;

/** `width`: columns of the terminal that the text must fit, where it is one. */
export type RowText = (
  rows: AsyncIterable<Row>,
  columns: Columns,
  width: number | undefined,
) => AsyncIterable<string>;

export const rowTexts: Readonly<Record<RowFormat, RowText>> = {
  table: tableText,
  json: jsonText,
  csv: csvText,
};

/**
 * One array, an object a line; ids and decimals are strings, so that no reader of numbers loses a
 * digit.
 */
async function* jsonText(rows: AsyncIterable<Row>, columns: Columns): AsyncGenerator<string> {
  const names = Object.keys(columns).map((name) => JSON.stringify(name));
  let before = '[\n';
  for await (const row of rows) {
    yield `${before}{${row.map((cell, index) => `${names[index]}:${jsonCell(cell)}`).join(',')}}`;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

function jsonCell(cell: Cell): string {
  return typeof cell === 'bigint' ? String(cell) : JSON.stringify(cell);
}

/** RFC 4180, with a header line; null is an empty field. */
async function* csvText(rows: AsyncIterable<Row>, columns: Columns): AsyncGenerator<string> {
  yield csvLine(Object.keys(columns));
  for await (const row of rows) yield csvLine(row);
}

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => csvField(cell === null ? '' : String(cell))).join(',')}\r\n`;
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
