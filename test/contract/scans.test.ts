/**
 * The fast path of every venue against its slow one, over every frame we have of it and over frames
 * that were changed on purpose: whatever a scan takes, decode makes the same of it.
 */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { VENUES } from '../../src/venues/registry.ts';
import type { Emit, ScanContext, Venue } from '../../src/venues/venue.ts';
import { capturedFrames, describeWithCaptures } from '../captures.ts';
import { received } from './venue-decoding.ts';
import { recordings, samplesOf, scannedShapesOf, seedsOf } from './venue-frames.ts';
import { mutated, withHardNumbers } from './venue-mutations.ts';
import { bytesOf, ScanTrial } from './venue-scanning.ts';

const venues: readonly Venue[] = Object.values(VENUES);

describe.each(venues.map((venue) => [venue.id, venue] as const))('%s', (_id, venue) => {
  const shapes = scannedShapesOf(venue.id);
  const others = seedsOf(venue.id);

  test('scans every shape that makes up the load', () => {
    for (const shape of shapes) {
      const trial = new ScanTrial(venue);
      expect(trial.difference(bytesOf(shape))).toBeUndefined();
      expect(`${trial.taken} ${shape}`).toBe(`1 ${shape}`);
    }
  });

  test('scans nothing whose symbol decode has not named before', () => {
    for (const shape of [...shapes, ...others]) {
      const bytes = bytesOf(shape);
      const frame = { bytes, view: new DataView(bytes.buffer), from: 0, to: bytes.length };
      expect(venue.scan(frame, strangers, refused)).toBe(false);
    }
  });

  test('scans hard numbers in every place as decode reads them', () => {
    const trial = new ScanTrial(venue);
    const frames = shapes.flatMap(withHardNumbers).map(bytesOf);
    expect(frames.map((frame) => trial.difference(frame)).find(Boolean)).toBeUndefined();
    expect(trial.taken / frames.length).toBeGreaterThan(0.1);
  });

  test('scans what decode would read, the same, and nothing else', () => {
    const trial = new ScanTrial(venue);
    let runs = 0;
    fc.assert(
      fc.property(mutated([...shapes, ...shapes, ...others]), (frame) => {
        runs++;
        expect(trial.difference(frame)).toBeUndefined();
      }),
      { numRuns: 4000 },
    );
    // Not vacuous: many of them are still good, and the scan takes its share of those.
    expect(trial.taken / runs).toBeGreaterThan(0.1);
  });
});

describeWithCaptures('recordings', () => {
  for (const venue of venues) {
    for (const { path } of recordings[venue.id] ?? []) {
      test(`${venue.id} scans ${path} as decode reads it`, () => {
        const trial = new ScanTrial(venue);
        for (const frame of capturedFrames(path)) {
          const difference = trial.difference(bytesOf(frame));
          if (difference !== undefined) throw new Error(difference);
        }
        expect(trial.good).toBeGreaterThan(0);
        const share = trial.taken / trial.good;
        if (isOther(path)) expect(share).toBe(0);
        else expect(share).toBeGreaterThan(0.99);
      });
    }

    const samples = samplesOf(venue.id);
    if (samples.length === 0) continue;

    test(`${venue.id} scans other projects' messages, changed, as decode reads them`, () => {
      const trial = new ScanTrial(venue);
      fc.assert(
        fc.property(mutated(samples), (frame) => {
          expect(trial.difference(frame)).toBeUndefined();
        }),
        { numRuns: 2000 },
      );
    });
  }
});

/** Binance's futures write other fields, in another order: decode reads those. */
const isOther = (path: string): boolean => /^binance_(futures|delivery)\//.test(path);

const refuse = (): never => {
  throw new Error('a scan that takes nothing asks for nothing');
};

const strangers: ScanContext = {
  receiveTime: received,
  instrument: refuse,
  position: refuse,
  known: () => undefined,
};

const refused: Emit = { trade: refuse, quote: refuse, reject: refuse };
