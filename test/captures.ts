/**
 * Other people's recordings of real feeds: read in place, never copied into the repository. They
 * are found by `MDP_CAPTURES`, else beside the repository. Without them a test is skipped aloud;
 * with `CI=true` it fails.
 */
import { describe, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['MDP_CAPTURES'] ?? join(import.meta.dir, '../../shared/captures');

/** Registers the tests of `body` when the captures are here. */
export function describeWithCaptures(name: string, body: () => void): void {
  if (existsSync(join(folder, 'manifest.json'))) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(`no captures in ${folder}: set MDP_CAPTURES`);
    });
  } else {
    console.warn(`SKIPPED, no captures in ${folder}: ${name}`);
    test.skip(name, () => undefined);
  }
}

/** Absolute path of a file of the captures. */
export const capturePath = (path: string): string => join(folder, path);

/** The lines of a file under the captures' folder, unpacked where its name ends in `.gz`. */
export function captureLines(path: string): readonly string[] {
  const bytes = readFileSync(join(folder, path));
  const text = new TextDecoder().decode(path.endsWith('.gz') ? Bun.gunzipSync(bytes) : bytes);
  return text.split('\n').filter((line) => line !== '');
}

/** The frames received, in order, of any of the captures' three forms. */
export function capturedFrames(path: string): readonly string[] {
  const lines = captureLines(path);
  if (path.includes('/hft-')) return lines.map((line) => line.slice(line.indexOf(' ') + 1));
  return lines
    .map((line) => {
      const { t, data } = fields(line);
      return t === undefined || t === 'recv' ? data : undefined;
    })
    .filter((data) => typeof data === 'string');
}

/**
 * The sample messages of `_samples/` whose `key` has this value; verbatim, or the JSON text of
 * parsed ones.
 */
export function sampleFrames(path: string, key: string, value: string): readonly string[] {
  return captureLines(path)
    .map(fields)
    .filter((sample) => sample[key] === value)
    .map(({ data }) => (typeof data === 'string' ? data : JSON.stringify(data)));
}

function fields(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
