import { entriesOf, itemOf, type Schema, variantsOf } from './describe.ts';
import { pathText } from './place.ts';
import { configSchema } from './schema.ts';

/** A setting: the end of a path through the sections. `sources` is one, as a list. */
export type Leaf = {
  /** `pipeline.batch_size`. */
  readonly key: string;
  readonly path: readonly string[];
  readonly schema: Schema;
  /** `PIPELINE_BATCH_SIZE`. */
  readonly variable: string;
};

/** Sections whose keys need no section word in the environment. */
const UNNAMED_SECTIONS: ReadonlySet<string> = new Set(['pipeline', 'queues', 'telemetry']);

/** Every setting, in the order of the reference. */
export const leaves: readonly Leaf[] = leavesBelow(configSchema, []);

export const leafByKey: ReadonlyMap<string, Leaf> = new Map(leaves.map((leaf) => [leaf.key, leaf]));

/** Whether the setting is a list of maps, which the environment writes as JSON. */
export function isListOfMaps(schema: Schema): boolean {
  const item = itemOf(schema);
  return item !== undefined && (variantsOf(item) ?? entriesOf(item)) !== undefined;
}

function leavesBelow(schema: Schema, path: readonly string[]): readonly Leaf[] {
  const entries = entriesOf(schema);
  if (entries === undefined) {
    return [{ key: pathText(path), path, schema, variable: variableOf(path) }];
  }
  return [...entries].flatMap(([key, entry]) => leavesBelow(entry, [...path, key]));
}

function variableOf(path: readonly string[]): string {
  const words = UNNAMED_SECTIONS.has(path[0] ?? '') ? path.slice(1) : path;
  return ['PIPELINE', ...words].join('_').toUpperCase();
}
