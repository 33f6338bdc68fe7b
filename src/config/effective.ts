import { stringify } from 'yaml';
import { byteSizeText } from '../runtime/quantities.ts';
import { defaultOf, entriesOf, itemOf, type Schema, takesSizeText } from './describe.ts';
import { keysOf } from './known-keys.ts';
import { isListOfMaps } from './leaves.ts';
import type { LoadedConfig } from './load.ts';
import { DEFAULT, type Path, pathText, originText } from './place.ts';
import { configSchema } from './schema.ts';
import { masked } from './secrets.ts';

/**
 * The effective configuration as YAML, each value with the place that said it. But for hidden
 * secrets it can be loaded again and gives the same; a key that is not set is a comment.
 */
export function effectiveYaml(loaded: LoadedConfig): string {
  const lines = sectionLines(configSchema, [], loaded);
  const width = Math.min(MAX_COLUMN, Math.max(...lines.map(({ text }) => text.length)));
  return lines.map((line) => lineText(line, width)).join('');
}

const INDENT = '  ';
/** Longer lines do not push the origins of all others to the right. */
const MAX_COLUMN = 60;

type Line = { readonly text: string; readonly origin?: string };

function lineText({ text, origin }: Line, width: number): string {
  return origin === undefined ? `${text}\n` : `${text.padEnd(width)}  # ${origin}\n`;
}

function sectionLines(schema: Schema, path: Path, loaded: LoadedConfig): readonly Line[] {
  return [...(entriesOf(schema) ?? [])].flatMap(([key, entry]) => {
    const at = [...path, key];
    if (isListOfMaps(entry)) return [{ text: `${key}:` }, ...listLines(entry, at, loaded)];
    if (entriesOf(entry) === undefined)
      return [leafLine(entry, at, INDENT.repeat(path.length), loaded)];
    const head = { text: `${INDENT.repeat(path.length)}${key}:` };
    return [...(path.length === 0 ? [{ text: '' }] : []), head, ...sectionLines(entry, at, loaded)];
  });
}

/** The maps of a list, the first key of each behind its dash. */
function listLines(schema: Schema, path: Path, loaded: LoadedConfig): readonly Line[] {
  const item = itemOf(schema);
  const { value } = loaded.said(path);
  if (item === undefined || !Array.isArray(value)) return [];
  return value.flatMap((map: unknown, index) => {
    const keys = [...(keysOf(item, map) ?? [])];
    return keys.map(([key, entry], at) =>
      leafLine(entry, [...path, index, key], at === 0 ? `${INDENT}- ` : INDENT.repeat(2), loaded),
    );
  });
}

function leafLine(schema: Schema, path: Path, before: string, loaded: LoadedConfig): Line {
  const { value, place } = loaded.said(path);
  const key = String(path.at(-1));
  const effective = value ?? defaultOf(schema);
  if (effective === undefined) return { text: `${before}# ${key}:`, origin: 'not set' };
  const size = typeof effective === 'number' && takesSizeText(schema);
  const shown = masked(pathText(path), size ? byteSizeText(effective) : effective);
  const text = `${before}${key}: ${flow(shown)}`;
  return { text, origin: originText(value === undefined ? DEFAULT : place) };
}

function flow(value: unknown): string {
  const style = { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 } as const;
  return stringify(value, style).trim();
}
