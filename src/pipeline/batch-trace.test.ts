import { expect, test } from 'bun:test';
import { MdpError } from '../runtime/errors.ts';
import type { Span } from '../runtime/spans.ts';
import { BatchTraces } from './batch-trace.ts';
import type { OpenedBatch } from './batcher.ts';

const opened = (origin = { receivedAt: 100, takenAt: 300 }): OpenedBatch => ({
  batch: { table: 'trade', rows: [], bytes: 7 },
  openedAt: 400,
  origin,
});

const bench = () => {
  let now = 0;
  const roots: Span[] = [];
  const timer = { cancel: () => undefined };
  const clock = { now: () => now, after: () => timer, every: () => timer };
  const tracer = { trace: (root: Span) => void roots.push(root) };
  const traces = new BatchTraces({ tracer, clock, database: 'postgres' });
  return { traces, roots, at: (to: number) => (now = to) };
};

const stretches = (spans: readonly Span[] = []) =>
  spans.map(({ name, from, to }) => [name, from, to]);

const away = new MdpError('database_away', 'away', { context: { sqlstate: '57P01' } });
const done = { committed: 0, alreadyThere: 0, dead: [] };

test('tells each stretch of a batch once, in order and without a hole', () => {
  const { traces, roots, at } = bench();
  at(600);
  traces.blockRead();
  at(700);
  const trace = traces.begin(opened(), 300);
  trace?.taken(900, 'closed');
  trace?.tries(900);
  at(910);
  trace?.encoding();
  at(950);
  trace?.encoded();
  trace?.failed(1000, away);
  trace?.tries(1500);
  trace?.succeeded(1700);
  trace?.settled(1700, done);
  const [root] = roots;
  expect(root).toMatchObject({ name: 'batch trade', from: 100, to: 1700, failure: undefined });
  expect(stretches(root?.children)).toEqual([
    ['read wait', 100, 300],
    ['decode', 300, 400],
    ['operators', 400, 600],
    ['flush wait', 600, 700],
    ['queue wait', 700, 900],
    ['commit', 900, 1000],
    ['retry wait', 1000, 1500],
    ['commit', 1500, 1700],
  ]);
  const failed = root?.children[5];
  expect(failed?.failure).toBe('database_away');
  expect(failed?.attributes['db.response.status_code']).toBe('57P01');
  expect(stretches(failed?.children)).toEqual([['encode', 910, 950]]);
});

test('a batch that is cut amid a block has not waited for rows', () => {
  const { traces, roots, at } = bench();
  at(200);
  traces.blockRead();
  at(500);
  traces.begin(opened(), 300)?.dropped('sink_drop_oldest');
  expect(stretches(roots[0]?.children)).toContainEqual(['flush wait', 500, 500]);
  expect(roots[0]?.failure).toBe('sink_drop_oldest');
});

test('what was received after it was read, by a clock since set back, begins when read', () => {
  const { traces, roots } = bench();
  traces.begin(opened({ receivedAt: 9999, takenAt: 300 }), 300)?.dropped('x');
  expect(roots[0]?.from).toBe(300);
});

test('a batch tried for hours keeps its first spans and its last, and counts the others', () => {
  const { traces, roots, at } = bench();
  at(500);
  const trace = traces.begin(opened(), 300);
  for (let hour = 1; hour <= 100; hour += 1) {
    trace?.tries(500 + hour * 10);
    trace?.failed(505 + hour * 10, away);
  }
  trace?.tries(1900);
  trace?.succeeded(1990);
  trace?.settled(2000, done);
  expect(roots[0]?.children).toHaveLength(64);
  expect(roots[0]?.children.at(-1)).toMatchObject({ from: 1900, to: 1990, failure: undefined });
  expect(roots[0]?.attributes).toMatchObject({
    'mdp.attempts': 101,
    'mdp.spans_left_out': 141,
  });
});

test('a first attempt that the breaker holds back waits for it', () => {
  const { traces, roots, at } = bench();
  at(500);
  const trace = traces.begin(opened(), 300);
  trace?.taken(600, 'open');
  trace?.tries(9600);
  trace?.succeeded(9700);
  trace?.settled(9700, done);
  expect(stretches(roots[0]?.children).slice(-2)).toEqual([
    ['breaker wait', 600, 9600],
    ['commit', 9600, 9700],
  ]);
});

test('without the record at hand there is no trace', () => {
  const { traces } = bench();
  expect(traces.begin({ ...opened(), origin: undefined }, 0)).toBeUndefined();
});
