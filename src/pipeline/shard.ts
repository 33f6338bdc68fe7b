/** This process's share of the instruments. */
export type Shard = { readonly index: number; readonly count: number };

/**
 * Whether an instrument belongs to this share, by rendezvous hashing: each share draws a number for
 * the instrument, the greatest wins. When `count` changes, only the instruments of the shares that
 * came or went move.
 */
export const belongsTo = (shard: Shard, venue: string, symbol: string): boolean => {
  if (shard.count <= 1) return true;
  let winner = 0;
  let greatest = -1n;
  for (let index = 0; index < shard.count; index += 1) {
    const draw = Bun.hash.xxHash64(`${venue}\n${symbol}\n${index}`);
    if (draw > greatest) {
      greatest = draw;
      winner = index;
    }
  }
  return winner === shard.index;
};
