import type { Cell, ColumnKind, Row } from '../sinks/reader.ts';

/** A column as it is laid out: `decimals` counts the point and the digits behind it. */
type Layout = {
  readonly index: number;
  readonly name: string;
  readonly kind: ColumnKind;
  readonly width: number;
  readonly decimals: number;
};

/**
 * Rows that decide how wide the columns are; only these are held. Wider ones behind them stand out.
 */
const SAMPLE_ROWS = 1_000;
const BETWEEN = '  ';

/**
 * Rows as a table, decimals aligned by their point, `-` for null. Where `width` is too little,
 * columns that are the same in all rows move to a line above; if that is not enough, the last ones
 * are left out, and named.
 */
export async function* tableText(
  rows: AsyncIterable<Row>,
  columns: Readonly<Record<string, ColumnKind>>,
  width: number | undefined,
): AsyncGenerator<string> {
  const sample: Row[] = [];
  let layouts: readonly Layout[] | undefined;
  for await (const row of rows) {
    if (layouts !== undefined) {
      yield lineOf(row, layouts);
      continue;
    }
    sample.push(row);
    if (sample.length < SAMPLE_ROWS) continue;
    layouts = within(width, layoutsOf(sample, columns));
    yield topOf(sample, columns, layouts, []);
  }
  if (layouts !== undefined) return;
  const all = layoutsOf(sample, columns);
  const same = widthOf(all) > (width ?? Infinity) && sample.length > 1 ? sameIn(sample, all) : [];
  yield topOf(
    sample,
    columns,
    within(
      width,
      all.filter((layout) => !same.includes(layout)),
    ),
    same,
  );
}

function layoutsOf(
  rows: readonly Row[],
  columns: Readonly<Record<string, ColumnKind>>,
): readonly Layout[] {
  return Object.entries(columns).map(([name, kind], index) => {
    const words = rows.map((row) => wordOf(row[index]));
    const decimals = Math.max(0, ...words.map((word) => decimalsOf(word, kind)));
    const whole = Math.max(0, ...words.map((word) => word.length - decimalsOf(word, kind)));
    return { index, name, kind, decimals, width: Math.max(name.length, whole + decimals) };
  });
}

/** The columns with one word in all of the rows. */
function sameIn(rows: readonly Row[], layouts: readonly Layout[]): readonly Layout[] {
  return layouts.filter(({ index }) => new Set(rows.map((row) => wordOf(row[index]))).size === 1);
}

/** The first columns, as many as fit. */
function within(width: number | undefined, layouts: readonly Layout[]): readonly Layout[] {
  if (width === undefined) return layouts;
  return layouts.filter((_, index) => index === 0 || widthOf(layouts.slice(0, index + 1)) <= width);
}

function widthOf(layouts: readonly Layout[]): number {
  return layouts.reduce((sum, { width }) => sum + width + BETWEEN.length, -BETWEEN.length);
}

/** What is the same in all rows, what is left out, the header and the sample. */
function topOf(
  sample: readonly Row[],
  columns: Readonly<Record<string, ColumnKind>>,
  layouts: readonly Layout[],
  same: readonly Layout[],
): string {
  const said = new Set([...layouts, ...same].map(({ name }) => name));
  const left = Object.keys(columns).filter((name) => !said.has(name));
  const all = same.map(({ name, index }) => `${name} ${wordOf(sample[0]?.[index])}`);
  return [
    all.length === 0 ? '' : `all: ${all.join(', ')}\n`,
    left.length === 0 ? '' : `not shown for want of width: ${left.join(', ')}\n`,
    `${layouts.map(headOf).join(BETWEEN).trimEnd()}\n`,
    ...sample.map((row) => lineOf(row, layouts)),
  ].join('');
}

function headOf({ name, kind, width }: Layout): string {
  return isLeft(kind) ? name.padEnd(width) : name.padStart(width);
}

function lineOf(row: Row, layouts: readonly Layout[]): string {
  const cells = layouts.map((layout) => cellOf(wordOf(row[layout.index]), layout));
  return `${cells.join(BETWEEN).trimEnd()}\n`;
}

function cellOf(word: string, { kind, width, decimals }: Layout): string {
  if (isLeft(kind)) return word.padEnd(width);
  const behind = Math.max(0, decimals - decimalsOf(word, kind));
  return (word + ' '.repeat(behind)).padStart(width);
}

function wordOf(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? '-' : String(cell);
}

/** The point and the digits behind it. */
function decimalsOf(word: string, kind: ColumnKind): number {
  const point = kind === 'decimal' ? word.indexOf('.') : -1;
  return point < 0 ? 0 : word.length - point;
}

function isLeft(kind: ColumnKind): boolean {
  return kind === 'text' || kind === 'time' || kind === 'timeframe' || kind === 'flag';
}
