/** `max_memory_bytes` as `maxMemoryBytes`, in types. */
export type CamelKey<Key> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelKey<Tail>>}`
  : Key;

/** The same data, read-only at every depth, with every key in camel case. */
export type Camel<T> = T extends readonly (infer Item)[]
  ? readonly Camel<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as CamelKey<Key>]: Camel<T[Key]> }
    : T;

/** A frozen copy of plain data with every key in camel case. */
export function camel<const T>(data: T): Camel<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- does what `Camel` says
  return camelData(data) as Camel<T>;
}

/** `max_memory_bytes` as `maxMemoryBytes`. */
export function camelKey(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function camelData(data: unknown): unknown {
  if (Array.isArray(data)) return Object.freeze(data.map(camelData));
  if (typeof data !== 'object' || data === null) return data;
  const entries = Object.entries(data).map(([key, value]) => [camelKey(key), camelData(value)]);
  return Object.freeze(Object.fromEntries(entries));
}
