/** What becomes of lists of symbols when others are wanted: each list anew, and the rest. */
export type Spread = {
  readonly kept: readonly (readonly string[])[];
  readonly rest: readonly string[];
};

/**
 * Moves as few symbols as it can: a symbol that is still wanted stays in its list, a new one goes
 * to the first list with room below `most`, and what finds none is the rest. A list may become
 * empty.
 */
export const spread = (
  lists: readonly (readonly string[])[],
  wanted: readonly string[],
  most: number,
): Spread => {
  const missing = new Set(wanted);
  const staying = lists.map((list) => list.filter((symbol) => missing.delete(symbol)));
  const further = [...missing];
  const kept = staying.map((list) =>
    list.length === 0 ? list : [...list, ...further.splice(0, Math.max(0, most - list.length))],
  );
  return { kept, rest: further };
};
