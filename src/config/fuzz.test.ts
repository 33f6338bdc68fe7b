import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  complaintsOf,
  configurations,
  worst,
  type Configuration,
} from '../../test/fuzz/configurations.ts';
import { refusal } from './testing.ts';

/** In parts, so that none comes near the time a test may take on a busy machine. */
const PARTS = [1, 2, 3, 4] as const;
const RUNS = 2000 / PARTS.length;

const refuse = ({ yaml, env }: Configuration): readonly string[] =>
  refusal({ files: { 'config.yaml': yaml }, env });

test.each(PARTS)('a configuration is taken, or refused with a line for each problem (%i)', () => {
  const property = fc.property(configurations, (configuration) => {
    expect(complaintsOf(configuration, refuse)).toEqual([]);
  });
  fc.assert(property, { numRuns: RUNS });
});

test('the worst that are known take seconds at most', () => {
  for (const yaml of worst) expect(complaintsOf({ yaml, env: {} }, refuse)).toEqual([]);
});

describe('a reader is found out that', () => {
  const given: Configuration = { yaml: '', env: { API_KEY: 'canary' } };
  const found = (read: (configuration: Configuration) => readonly string[]): string =>
    complaintsOf(given, read, 20).join();

  test('is sound: not', () => {
    expect(found(refuse)).toBe('');
    expect(found(() => ['config.yaml:1:1: http: wrong'])).toBe('');
  });

  test('crashes', () => {
    const crash = (): readonly string[] => {
      throw new TypeError('of the reader');
    };
    expect(found(crash)).toContain('crashes: TypeError');
  });

  test('hangs', () => {
    const until = process.cpuUsage().user + 100_000;
    expect(
      found(() => {
        while (process.cpuUsage().user < until);
        return [];
      }),
    ).toMatch(/^took \d+ ms$/);
  });

  test('says a secret, nothing, or no place', () => {
    expect(found(({ env }) => [`API_KEY: ${env['API_KEY']}`])).toContain('says a secret');
    expect(found(() => ['config.yaml:1:1: found undefined'])).toContain('says nothing');
    expect(found(() => ['something is wrong'])).toContain('names no place');
  });
});
