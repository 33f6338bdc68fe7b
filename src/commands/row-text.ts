import type { Cell, ColumnKind, Row } from '../sinks/reader.ts';

/** How rows become text: exactly, in three forms. Each yields pieces of text as the rows come. */
export const rowFormats = ['table', 'json', 'csv'] as const;

export type RowFormat = (typeof rowFormats)[number];

export type Columns = Readonly<Record<string, ColumnKind>>;

export type RowText = (rows: AsyncIterable<Row>, columns: Columns) => AsyncIterable<string>;

/** Rows that decide how wide a table's columns are; only these are held. */
const TABLE_SAMPLE_ROWS = 1_000;

export const rowTexts: Readonly<Record<RowFormat, RowText>> = {
  table: tableText,
  json: jsonText,
  csv: csvText,
};

/** One array, an object a line; ids and decimals are strings, so that no reader of numbers loses a digit. */
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

type Layout = { readonly kind: ColumnKind; readonly width: number; readonly decimals: number };

/** Columns aligned, decimals by their point. Rows behind the sample that are wider stand out. */
async function* tableText(rows: AsyncIterable<Row>, columns: Columns): AsyncGenerator<string> {
  const sample: Row[] = [];
  let layouts: readonly Layout[] | undefined;
  for await (const row of rows) {
    if (layouts !== undefined) {
      yield tableLine(row, layouts);
      continue;
    }
    sample.push(row);
    if (sample.length < TABLE_SAMPLE_ROWS) continue;
    layouts = layoutsOf(sample, columns);
    yield tableTop(sample, columns, layouts);
  }
  if (layouts === undefined) yield tableTop(sample, columns, layoutsOf(sample, columns));
}

function tableTop(sample: readonly Row[], columns: Columns, layouts: readonly Layout[]): string {
  const header = Object.keys(columns).map((name, index) => {
    const { kind = 'text', width = 0 } = layouts[index] ?? {};
    return isLeft(kind) ? name.padEnd(width) : name.padStart(width);
  });
  return [`${header.join('  ').trimEnd()}\n`, ...sample.map((row) => tableLine(row, layouts))].join(
    '',
  );
}

function tableLine(row: Row, layouts: readonly Layout[]): string {
  const cells = layouts.map((layout, index) => tableCell(row[index] ?? null, layout));
  return `${cells.join('  ').trimEnd()}\n`;
}

function tableCell(cell: Cell, { kind, width, decimals }: Layout): string {
  const text = tableWord(cell);
  if (isLeft(kind)) return text.padEnd(width);
  return (text + ' '.repeat(decimals - Math.min(decimalsOf(text, kind), decimals))).padStart(width);
}

function layoutsOf(rows: readonly Row[], columns: Columns): readonly Layout[] {
  return Object.entries(columns).map(([name, kind], index) => {
    const words = rows.map((row) => tableWord(row[index] ?? null));
    const decimals = Math.max(0, ...words.map((word) => decimalsOf(word, kind)));
    const whole = words.map((word) => word.length - decimalsOf(word, kind));
    return { kind, decimals, width: Math.max(name.length, decimals + Math.max(0, ...whole)) };
  });
}

function tableWord(cell: Cell): string {
  return cell === null ? '-' : String(cell);
}

/** The point and the digits behind it. */
function decimalsOf(text: string, kind: ColumnKind): number {
  const point = kind === 'decimal' ? text.indexOf('.') : -1;
  return point < 0 ? 0 : text.length - point;
}

function isLeft(kind: ColumnKind): boolean {
  return kind === 'text' || kind === 'time' || kind === 'timeframe' || kind === 'flag';
}
