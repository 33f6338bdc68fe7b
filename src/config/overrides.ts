import type { Setting } from './check-leaf.ts';
import { type Layer, NOTHING, soundLayer } from './config-file.ts';
import { isMap, partOf } from './known-keys.ts';
import { leafByKey } from './leaves.ts';
import type { Path, Place } from './place.ts';

/** What the command line says about the sources. */
export type Overrides = {
  /**
   * `--source`: the name or type of a configured source, which then runs alone; else the type of a
   * new one.
   */
  readonly source?: string;
  /** `--symbols`: of that source, or of the only one configured. */
  readonly symbols?: readonly string[];
};

const sourceFlag: Place = { kind: 'flag', name: '--source' };
const symbolsFlag: Place = { kind: 'flag', name: '--symbols' };

/** A source as it was said, with the way to its places. */
type Said = { readonly value: unknown; readonly place: Setting['place'] };

/**
 * The setting of `sources` that the flags make of the configured one; nothing where they say
 * nothing.
 */
export function overriddenSources(overrides: Overrides, configured: Setting | undefined): Layer {
  const { source, symbols } = overrides;
  const leaf = leafByKey.get('sources');
  if (leaf === undefined || (source === undefined && symbols === undefined)) return NOTHING;
  const said = saidSources(configured);
  const chosen = source === undefined ? said : chosenSources(source, said);
  if (symbols === undefined) return soundLayer(new Map([[leaf, joined(chosen)]]));
  if (chosen.length > 1) {
    const text = `${chosen.length} sources are configured; say which one with --source`;
    return { ...NOTHING, problems: [{ place: symbolsFlag, key: 'sources', text }] };
  }
  const list = symbols.map((symbol) => symbol.trim());
  const only = chosen[0] ?? { value: { type: 'synthetic' }, place: () => symbolsFlag };
  return soundLayer(new Map([[leaf, joined([withSymbols(only, list)])]]));
}

function saidSources(setting: Setting | undefined): readonly Said[] {
  if (setting === undefined || !Array.isArray(setting.value)) return [];
  return setting.value.map((value: unknown, index) => ({
    value,
    place: (path, of) => setting.place([index, ...path], of),
  }));
}

function chosenSources(source: string, said: readonly Said[]): readonly Said[] {
  const chosen = said.filter(({ value }) => nameOf(value) === source);
  const others = said.filter(({ value }) => partOf(value, 'type') === source);
  if (chosen.length > 0) return chosen;
  return others.length > 0 ? others : [{ value: { type: source }, place: () => sourceFlag }];
}

function nameOf(value: unknown): unknown {
  return partOf(value, 'name') ?? partOf(value, 'type');
}

function withSymbols({ value, place }: Said, symbols: readonly string[]): Said {
  return {
    value: isMap(value) ? { ...value, symbols } : value,
    place: (path, of) => (path[0] === 'symbols' ? symbolsFlag : place(path, of)),
  };
}

function joined(said: readonly Said[]): Setting {
  const start = said[0]?.place([], 'value') ?? sourceFlag;
  return {
    value: said.map(({ value }) => value),
    place: ([index, ...below]: Path, of) =>
      (typeof index === 'number' ? said[index]?.place(below, of) : undefined) ?? start,
  };
}
