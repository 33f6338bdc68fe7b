import { camelKey } from './camel.ts';
import type { Config } from './config.ts';
import { partOf } from './known-keys.ts';
import { leaves } from './leaves.ts';

/** The keys that have another value, in the order of the reference. */
export function changedKeys(before: Config, after: Config): readonly string[] {
  return leaves
    .filter(({ path }) => !Bun.deepEquals(valueAt(before, path), valueAt(after, path)))
    .map(({ key }) => key);
}

function valueAt(config: Config, path: readonly string[]): unknown {
  return path.map(camelKey).reduce<unknown>(partOf, config);
}
