import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { watchFile } from './file-watch.ts';

const directory = mkdtempSync(join(tmpdir(), 'mdp-watch-'));
const path = join(directory, 'file');

afterEach(() => rmSync(path, { force: true }));

/** A watch of the file, and how often it told a change. */
const watching = () => {
  const clock = new HandClock(0);
  let told = 0;
  const watch = watchFile(path, clock, () => {
    told += 1;
  });
  return { clock, watch, told: () => told };
};

test('tells a change once it rests, and once', () => {
  writeFileSync(path, 'one');
  const { clock, told } = watching();
  clock.advance(5000);
  expect(told()).toBe(0);
  writeFileSync(path, 'two, half');
  clock.advance(1000);
  writeFileSync(path, 'two, and the rest of it');
  clock.advance(1000);
  expect(told()).toBe(0);
  clock.advance(1000);
  expect(told()).toBe(1);
  clock.advance(5000);
  expect(told()).toBe(1);
});

test('sees a rename over the file and a link to another, and not a touch', () => {
  writeFileSync(path, 'one');
  const { clock, told } = watching();
  utimesSync(path, 1, 1);
  clock.advance(3000);
  expect(told()).toBe(0);
  writeFileSync(`${path}.new`, 'two');
  renameSync(`${path}.new`, path);
  clock.advance(2000);
  expect(told()).toBe(1);
  writeFileSync(`${path}.other`, 'three');
  symlinkSync(`${path}.other`, `${path}.link`);
  renameSync(`${path}.link`, path);
  clock.advance(2000);
  expect(told()).toBe(2);
});

test('tells that a file came, and that it went, until it is cancelled', () => {
  const { clock, watch, told } = watching();
  writeFileSync(path, 'one');
  clock.advance(2000);
  expect(told()).toBe(1);
  rmSync(path);
  clock.advance(2000);
  expect(told()).toBe(2);
  watch.cancel();
  writeFileSync(path, 'two');
  clock.advance(5000);
  expect(told()).toBe(2);
});
