/** Where a value was said. */
export type Place =
  | { readonly kind: 'default' }
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'variable' | 'flag'; readonly name: string };

export const DEFAULT: Place = { kind: 'default' };

/** `config.yaml:12:3`, `PIPELINE_BATCH_SIZE`, `--symbols` or `default`. */
export function placeText(place: Place): string {
  if (place.kind === 'file') return `${place.file}:${place.line}:${place.column}`;
  return place.kind === 'default' ? 'default' : place.name;
}

/** The same without the column: `config.yaml:12`. */
export function originText(place: Place): string {
  return place.kind === 'file' ? `${place.file}:${place.line}` : placeText(place);
}

/** The steps from the top of the configuration to a value: section, key, index. */
export type Path = readonly (string | number)[];

/** `sources[0].symbols`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
