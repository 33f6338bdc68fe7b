import { expect, test } from 'bun:test';
import { receiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Intake, Source, SourcePhase } from '../sources/source.ts';
import { binance } from '../venues/binance/binance.ts';
import { synthetic } from '../venues/synthetic/synthetic.ts';
import type { Venue } from '../venues/venue.ts';
import { SourceSet, type SourcePart } from './source-set.ts';

const nowhere: Intake = {
  frame: () => undefined,
  frameBatch: () => undefined,
  tick: () => undefined,
  state: () => undefined,
  dropped: () => undefined,
  full: false,
  room: () => Promise.resolve(),
};

/** A source that only notes what is asked of it. */
const noting = (name: string, venue: Venue, notes: string[], revises: boolean): Source => {
  let phase: SourcePhase = 'idle';
  const enter = (next: SourcePhase): void => {
    phase = next;
    notes.push(`${name} ${next}`);
  };
  return {
    name,
    venue: venue.id,
    start: () => enter('open'),
    stop: () => Promise.resolve(enter('stopped')),
    ...(revises ? { revise: () => notes.push(`${name} revised`) > 0 } : {}),
    report: () => ({
      name,
      venue: venue.id,
      phase,
      since: receiveTime(0),
      reason: undefined,
      connectionsOpen: 0,
      connects: 0,
      disconnects: 0,
      reconnects: 0,
      mutes: 0,
      frames: 0,
      bytes: 0,
      emptyFrames: 0,
      oversizedFrames: 0,
      lastFrameAt: undefined,
      pausedSeconds: 0,
      symbols: [],
      progress: undefined,
    }),
  };
};

const setting = (...names: readonly string[]) => {
  const notes: string[] = [];
  const partOf = (
    name: string,
    seed = 1,
    { venue = synthetic, revises = false, fails = false } = {},
  ): SourcePart => ({
    name,
    venue,
    rereadable: false,
    symbols: new Set([`${name}-${seed}`]),
    entry: {
      type: 'synthetic',
      channels: ['trades'],
      count: 1,
      rate: 1,
      seed,
      odd: { late: 0, duplicate: 0, gap: 0 },
    },
    create: () => {
      if (fails) throw new MdpError('config', 'impossible');
      return noting(name, venue, notes, revises);
    },
  });
  let through = 0;
  const set = new SourceSet(
    names.map((name) => partOf(name)),
    {
      shard: { index: 0, count: 1 },
      intake: () => nowhere,
      venueOf: () => undefined,
      onThrough: () => (through += 1),
    },
  );
  set.start();
  notes.length = 0;
  return { set, notes, partOf, through: () => through };
};

const namesOf = (sources: readonly Source[]): readonly string[] => sources.map(({ name }) => name);

test('starts what is new, stops what is gone, and leaves the rest alone', async () => {
  const { set, notes, partOf } = setting('a', 'b');
  const changes = await set.replace([partOf('b'), partOf('c')]);
  expect(changes).toEqual({ added: ['c'], removed: ['a'], changed: [] });
  expect(notes).toEqual(['c open', 'a stopped']);
  expect(namesOf(set.present)).toEqual(['b', 'c']);
  expect(namesOf(set.initial)).toEqual(['b']);
  expect(namesOf(set.all)).toEqual(['a', 'b', 'c']);
});

test('the end of a removed source is no end of the run, that of every present one is', async () => {
  const { set, partOf, through } = setting('a');
  await set.replace([partOf('b'), partOf('c')]);
  set.ended('a');
  set.ended('b');
  expect(through()).toBe(0);
  set.ended('c');
  expect(through()).toBe(1);
});

test('reads records of a replaced source as what they were until its last', async () => {
  const { set, notes, partOf } = setting('a');
  await set.replace([partOf('a', 2, { venue: binance })]);
  expect(notes).toEqual(['a stopped', 'a open']);
  expect(set.read('a')?.venue.id).toBe('synthetic');
  set.ended('a');
  expect(set.read('a')?.venue.id).toBe('binance');
  expect(set.facts('synthetic')).toBe(synthetic.facts);
  expect(set.stats.get('a')).toBe(set.read('a')?.stats);
});

test('goes on reading a removed source, and one that comes back behind it', async () => {
  const { set, partOf, through } = setting('a', 'b');
  await set.replace([partOf('b')]);
  expect(set.read('a')?.name).toBe('a');
  await set.replace([partOf('b'), partOf('a', 2)]);
  set.ended('a');
  expect(set.read('a')).toBeDefined();
  set.ended('b');
  expect(through()).toBe(0);
});

test('takes what a revised source was asked for before, as records of it may wait', async () => {
  const { set, notes, partOf } = setting('a');
  await set.replace([partOf('b', 1, { revises: true })]);
  notes.length = 0;
  const before = set.read('b');
  expect(await set.replace([partOf('b', 2, { revises: true })])).toMatchObject({ changed: ['b'] });
  expect(notes).toEqual(['b revised']);
  expect(set.read('b')).toBe(before);
  const instruments = ['b-1', 'b-2', 'b-3'].map((symbol, id) => ({ id, venue: 'v', symbol }));
  expect(instruments.map((each) => before?.wanted(each))).toEqual([true, true, false]);
});

test('refuses all where one part is impossible, before anything is touched', async () => {
  const { set, notes, partOf } = setting('a');
  const impossible = set.replace([partOf('b'), partOf('c', 1, { fails: true })]);
  await expect(impossible).rejects.toThrow('impossible');
  expect(notes).toEqual([]);
  expect(namesOf(set.present)).toEqual(['a']);
});

test('starts nothing any more once it is being stopped', async () => {
  const { set, notes, partOf } = setting('a');
  const replacing = set.replace([partOf('a', 2)]);
  await set.stop();
  await replacing;
  expect(notes).toEqual(['a stopped']);
});
