/** The closed list of bar lengths, shortest first, with their seconds. */
const secondsByName = {
  '1s': 1,
  '5s': 5,
  '10s': 10,
  '15s': 15,
  '30s': 30,
  '1m': 60,
  '3m': 180,
  '5m': 300,
  '15m': 900,
  '30m': 1_800,
  '1h': 3_600,
  '2h': 7_200,
  '4h': 14_400,
  '6h': 21_600,
  '8h': 28_800,
  '12h': 43_200,
  '1d': 86_400,
} as const;

const seconds: ReadonlyMap<string, number> = new Map(Object.entries(secondsByName));
const names: ReadonlyMap<number, string> = new Map(
  Object.entries(secondsByName).map(([name, length]) => [length, name]),
);

/** Every name, shortest first. */
export const timeframeNames: readonly string[] = [...seconds.keys()];

/** The length of `1s` … `1d` in seconds; undefined for any other name. */
export function timeframeSeconds(name: string): number | undefined {
  return seconds.get(name);
}

/** The name of a length in seconds; undefined for a length that is not on the list. */
export function timeframeName(length: number): string | undefined {
  return names.get(length);
}
