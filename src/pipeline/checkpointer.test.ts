import { expect, test } from 'bun:test';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { silentLog } from '../../test/venue/silent-log.ts';
import { ZERO } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import type { OperatorsState } from '../operators/operator.ts';
import { Batcher } from './batcher.ts';
import { Checkpointer, type CheckpointContent, type CheckpointStore } from './checkpointer.ts';
import { Ledger } from './ledger.ts';
import { Settlement } from './settlement.ts';

const trade: Trade = {
  kind: 'trade',
  instrument: { id: 0, venue: 'v', symbol: 's' },
  eventTime: eventTime(1),
  receiveTime: receiveTime(1),
  id: 1,
  ref: undefined,
  price: ZERO,
  size: ZERO,
  side: undefined,
  firstId: undefined,
  lastId: undefined,
  late: undefined,
};

const SAVED: OperatorsState = {
  version: 1,
  rules: { timeframes: [60], lateness: 0, flat: false },
  feeds: [],
  instruments: [],
};

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/**
 * A disk and a database that answer on demand. The checkpointer has reason to take one always, or
 * when it is time; to make bytes of one takes `encodeMs`.
 */
const stage = ({ wantsSettling = true, encodeMs = 0 } = {}) => {
  const clock = new HandClock(1_700_000_000_000_000);
  const ledger = new Ledger();
  const settlement = new Settlement(ledger);
  const cut: number[] = [];
  const batcher = new Batcher({
    maxRows: 100,
    maxBytes: 1_000_000,
    flushMs: 60_000,
    clock,
    idle: () => false,
    onBytes: () => undefined,
    cut: () => cut.push(settlement.opened()),
  });
  const disk = Promise.withResolvers<boolean>();
  const saved: CheckpointContent[] = [];
  const settledTo: number[] = [];
  const store: CheckpointStore = {
    persist: () => disk.promise,
    save: (mark, content) => {
      saved.push(content);
      clock.advance(encodeMs);
      return Promise.resolve(mark.position - 1);
    },
    settle: (position) => settledTo.push(position),
    wantsSettling,
  };
  const checkpointer = new Checkpointer({
    store,
    settlement,
    operators: { save: () => SAVED },
    batcher,
    venues: () => ({}),
    writer: 'test',
    onPublished: () => undefined,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });
  const read = (): void => {
    ledger.rows.trade.decoded += 1;
    batcher.trade(trade);
  };
  const commit = (epoch: number): void => {
    settlement.count(epoch, 'trade', 'committed', 1);
    settlement.settled(epoch, []);
  };
  return { checkpointer, read, commit, cut, disk, saved, settledTo, clock };
};

test('a checkpoint waits for the commit of every row that was read before it', async () => {
  const { checkpointer, read, commit, cut, disk, saved, settledTo } = stage();
  read();
  checkpointer.reached({ position: 10, frames: 1 });
  disk.resolve(true);
  await turns();
  expect({ cut, saved, settledTo }).toEqual({ cut: [0], saved: [], settledTo: [] });
  commit(0);
  await checkpointer.finished();
  expect({ saved: saved.length, settledTo }).toEqual({ saved: 1, settledTo: [9] });
});

test('a checkpoint waits for the disk that has the records before it', async () => {
  const { checkpointer, disk, saved } = stage();
  checkpointer.reached({ position: 10, frames: 1 });
  await turns();
  expect(saved).toEqual([]);
  disk.resolve(true);
  await checkpointer.finished();
  expect(saved.length).toBe(1);
});

test('a checkpoint counts what was committed before it, and nothing behind it', async () => {
  const { checkpointer, read, commit, cut, disk, saved } = stage();
  read();
  checkpointer.reached({ position: 10, frames: 1 });
  const all = Array.from({ length: 100 }, read);
  expect([all.length, cut]).toEqual([100, [0, 1]]);
  commit(1);
  commit(0);
  disk.resolve(true);
  await checkpointer.finished();
  expect(saved[0]?.counters).toMatchObject({ 'trade.decoded': 1, 'trade.committed': 1 });
});

test('checkpoints cost a hundredth of the time at most, their bytes included', async () => {
  const { checkpointer, disk, saved, clock } = stage({ wantsSettling: false, encodeMs: 200 });
  disk.resolve(true);
  const takenAfter: number[] = [];
  for (let second = 1; second <= 60; second += 1) {
    clock.advance(1000);
    checkpointer.reached({ position: second, frames: 1 });
    await checkpointer.finished();
    if (saved.length > takenAfter.length) takenAfter.push(second);
  }
  expect(takenAfter).toEqual([5, 25, 45]);
});
