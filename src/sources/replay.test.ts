import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { Heard } from '../../test/venue/heard.ts';
import { silentLog } from '../../test/venue/silent-log.ts';
import { MdpError } from '../runtime/errors.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import { createReplaySource } from './replay.ts';
import type { ReplayEntry } from './settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'mdp-replay-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const file = (content: string | Buffer, name = `ws-${(files += 1)}.ndjson`): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

const recv = (ts: string, conn: string, data: string): string =>
  `{"ts":${ts},"t": "recv", "conn": "${conn}", "data": ${JSON.stringify(data)}}\n`;
const connect = (ts: string, conn: string): string =>
  `{"ts":${ts},"t": "connect", "conn": "${conn}", "addr": "wss://x"}\n`;

const entry = (path: readonly string[], more: Partial<ReplayEntry> = {}): ReplayEntry => ({
  type: 'replay',
  venue: 'binance',
  speed: 'max',
  path,
  ...more,
});

const play = async (path: readonly string[], more: Partial<ReplayEntry> = {}) => {
  const intake = new Heard();
  const clock = createSystemClock();
  const parts = { name: 'old', clock, intake, log: silentLog };
  const source = createReplaySource(entry(path, more), parts);
  source.start();
  const result = await source.finished;
  return { intake, source, result };
};

describe('replay source', () => {
  test('hands on frames verbatim with their recorded times, exact to the microsecond', async () => {
    const text = '{"a":"\\u00e9 \\"x\\" é"}';
    const { intake } = await play([
      file(recv('1617566591.326123', 'A', text) + recv('1617666422.6348429', 'A', '2')),
      file(`1723161253937085768 ${text}\n1723161254937085 b c\n`, 'hft-a'),
    ]);
    expect(
      intake.frames.map(({ receiveTime, text: frame }) => [Number(receiveTime), frame]),
    ).toEqual([
      [1_617_566_591_326_123, text],
      [1_617_666_422_634_842, '2'],
      [1_723_161_253_937_085, text],
      [1_723_161_254_937_085, 'b c'],
    ]);
  });

  test('tells apart connections by name, and a reconnect of one as another', async () => {
    const { intake, source } = await play(
      [
        file(
          connect('10.0', 'A') +
            recv('10.1', 'B', '1') +
            recv('10.1', 'A', '2') +
            connect('10.2', 'A') +
            recv('10.2', 'A', '3'),
        ),
      ],
      { symbols: ['X'] },
    );
    expect(intake.frames.map(({ connection }) => connection)).toEqual([2, 1, 3]);
    expect(intake.stateWords()).toEqual([
      'started 0',
      'connected 1',
      'subscribed 1',
      'connected 2',
      'subscribed 2',
      'lost 1',
      'connected 3',
      'subscribed 3',
      'lost 2',
      'lost 3',
      'ended 0',
    ]);
    expect(Number(intake.states.at(-1)?.receiveTime)).toBe(10_200_000);
    expect(source.report()).toMatchObject({ phase: 'ended', connects: 3, connectionsOpen: 0 });
  });
});

describe('replay time', () => {
  test('makes a tick every 250 ms of recorded time that knows the last frame', async () => {
    const { intake } = await play([
      file(recv('10.0', 'A', '1') + recv('10.3', 'A', '2') + recv('11.0', 'A', '3')),
    ]);
    expect(
      intake.ticks.map(({ receiveTime, arrival }) => [receiveTime, arrival].map(Number)),
    ).toEqual([
      [10_250_000, 10_000_000],
      [10_500_000, 10_300_000],
      [10_750_000, 10_300_000],
      [11_000_000, 10_300_000],
    ]);
  });

  test('bounds the ticks of a long silence', async () => {
    const { intake } = await play([file(recv('10.0', 'A', '1') + recv('90000.0', 'A', '2'))]);
    expect(intake.ticks.length).toBe(2401);
    expect(intake.frames.length).toBe(2);
  });
});

describe('recordings that are not as they should be', () => {
  test('counts and names what cannot be read, and goes on behind it', async () => {
    const path = file(
      `${recv('10.0', 'A', '1')}{"ts":10.1,"t":"re\n\nnonsense\n12 x\n${recv('10.2', 'A', '2')}`,
    );
    const { intake, source, result } = await play([path]);
    expect(intake.frames.map(({ text }) => text)).toEqual(['1', '2']);
    expect(result.unreadable).toBe(3);
    expect(source.report().reason).toContain(`${path}:2`);
  });

  test('takes what a broken archive still holds, then the next file', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) =>
      recv(`${10 + at / 1000}`, 'A', `${Math.random()}`),
    );
    const whole = gzipSync(lines.join(''));
    const broken = file(whole.subarray(0, whole.length / 2), 'ws-broken.ndjson.gz');
    const garbage = file('this is no archive', 'ws-garbage.ndjson.gz');
    const { intake, result, source } = await play([
      broken,
      garbage,
      file(recv('99.0', 'A', 'end')),
    ]);
    expect(result.unreadable).toBe(2);
    expect(intake.frames.length).toBeGreaterThan(5000);
    expect(intake.frames.at(-1)?.text).toBe('end');
    expect(source.report().reason).toContain('ws-broken.ndjson.gz');
    const { progress } = source.report();
    expect(progress?.done).toBe(progress?.total ?? 0);
  });
});

describe('recordings in several files', () => {
  test('reads the recordings of a directory by name, and leaves other files alone', async () => {
    const folder = mkdtempSync(join(directory, 'day-'));
    writeFileSync(join(folder, 'ws-b.ndjson.gz'), gzipSync(recv('20.0', 'A', 'b')));
    writeFileSync(join(folder, 'ws-a.ndjson'), recv('10.0', 'A', 'a'));
    writeFileSync(join(folder, 'http-a.ndjson'), recv('5.0', 'A', 'no'));
    writeFileSync(join(folder, 'oracle.csv'), '1,2,3\n');
    const { intake, result } = await play([folder]);
    expect(intake.frames.map(({ text }) => text)).toEqual(['a', 'b']);
    expect(result).toEqual({ files: 2, frames: 2, unreadable: 0 });
  });

  test('keeps one connection over midnight between files, not over a longer break', async () => {
    const { intake } = await play([
      file('1000000000000000 a\n', 'hft-1'),
      file('1000000001000000 b\n', 'hft-2'),
      file('1000000900000000 c\n', 'hft-3'),
    ]);
    expect(intake.frames.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  test('refuses a path that is not there, and a directory without recordings', () => {
    const make = (path: string) => () =>
      createReplaySource(entry([path]), {
        name: 'old',
        clock: new HandClock(0),
        intake: new Heard(),
        log: silentLog,
      });
    expect(make(join(directory, 'nowhere'))).toThrow(MdpError);
    expect(make(join(directory, 'nowhere'))).toThrow('nowhere');
    expect(make(mkdtempSync(join(directory, 'empty-')))).toThrow('no recording');
  });
});

describe('replay that waits', () => {
  test('waits for room, and stops while it waits', async () => {
    const lines = Array.from({ length: 1000 }, (_, at) => recv(`${10 + at / 1000}`, 'A', `${at}`));
    const intake = new Heard();
    const clock = createSystemClock();
    const parts = { name: 'old', clock, intake, log: silentLog };
    const source = createReplaySource(entry([file(lines.join(''))]), parts);
    intake.full = true;
    source.start();
    while (intake.frames.length === 0) await Bun.sleep(1);
    await Bun.sleep(5);
    expect(intake.frames.length).toBe(1);
    await source.stop();
    expect(intake.frames.length).toBe(1);
    expect(intake.stateWords().at(-1)).toBe('ended 0');
    expect(source.report().phase).toBe('stopped');
  });

  test('keeps the recorded pace, times the speed', async () => {
    const path = file(recv('10.0', 'A', '1') + recv('11.0', 'A', '2') + recv('12.0', 'A', '3'));
    const clock = new HandClock(1_000_000_000);
    const heardAt: number[] = [];
    const intake = Object.assign(new Heard(), { frame: () => void heardAt.push(clock.now()) });
    const parts = { name: 'old', clock, intake, log: silentLog };
    const source = createReplaySource(entry([path], { speed: 2 }), parts);
    source.start();
    while (source.report().phase !== 'ended') {
      await new Promise(setImmediate);
      if (heardAt.length > 0) clock.advance(5);
    }
    const [first, second, third] = heardAt.map((at) => at / 1000);
    expect((second ?? 0) - (first ?? 0)).toBeWithin(450, 560);
    expect((third ?? 0) - (second ?? 0)).toBeWithin(450, 560);
  });
});
