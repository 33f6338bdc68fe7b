import { expect, test } from 'bun:test';
import { receiveTime } from '../market/time.ts';
import { FrameBatch } from './frame-batch.ts';

const batch = () => {
  const done: string[] = [];
  const frames = new FrameBatch({
    take: (time, texts) => done.push(...texts.map((text) => `take ${time} ${text}`)),
    classify: (text) => {
      done.push(`classify ${text}`);
      return { kind: 'heartbeat' };
    },
    heed: () => done.push('heed'),
  });
  const add = (n: number, bytes = 1): void => frames.add(receiveTime(n), `f${n}`, bytes);
  return { frames, done, add };
};

test('frames wait until all of their bytes are told, then are taken in order and read', () => {
  const { frames, done, add } = batch();
  add(1);
  add(1);
  expect(done).toEqual([]);
  frames.flush();
  frames.flush();
  expect(done).toEqual(['take 1 f1', 'take 1 f1', 'classify f1', 'heed', 'classify f1', 'heed']);
});

test('64 frames, or one of 1 MiB, do not wait', () => {
  const { done, add } = batch();
  for (let n = 0; n < 63; n += 1) add(n);
  expect(done).toEqual([]);
  add(63);
  expect(done.filter((line) => line.startsWith('take')).length).toBe(64);
  add(64, 1024 * 1024);
  expect(done.at(-3)).toBe('take 64 f64');
});

test('what is handed on early is taken once, and read when its time comes', () => {
  const { frames, done, add } = batch();
  add(1);
  frames.handOn();
  frames.handOn();
  add(1);
  expect(done).toEqual(['take 1 f1']);
  frames.flush();
  expect(done).toEqual(['take 1 f1', 'take 1 f1', 'classify f1', 'heed', 'classify f1', 'heed']);
});
