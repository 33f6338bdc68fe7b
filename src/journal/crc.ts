/**
 * CRC-32 as `Bun.hash.crc32`, of bytes where they lie: eight at a time by tables. For the head of a
 * record, in front of a text that is hashed as it is: of 29 bytes as fast as the view that Bun's
 * would need, and nothing for the collector. Of 200 bytes it is slower by a half.
 */
const POLYNOMIAL = 0xedb88320;

type Table = Int32Array;

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables();

/** Of `[from, to)`, going on from `seed`. */
export const crc32 = (view: DataView, from: number, to: number, seed: number): number => {
  let crc = ~seed;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const low = view.getInt32(at, true) ^ crc;
    const high = view.getInt32(at + 4, true);
    crc =
      entry(t7, low) ^
      entry(t6, low >>> 8) ^
      entry(t5, low >>> 16) ^
      entry(t4, low >>> 24) ^
      entry(t3, high) ^
      entry(t2, high >>> 8) ^
      entry(t1, high >>> 16) ^
      entry(t0, high >>> 24);
  }
  for (; at < to; at += 1) crc = entry(t0, crc ^ view.getUint8(at)) ^ (crc >>> 8);
  return ~crc >>> 0;
};

function entry(table: Table, byte: number): number {
  return table[byte & 255] ?? 0;
}

/** The n-th has the CRC of a byte with n zeros behind it. */
function tables(): readonly [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    return crc;
  });
  const next = (table: Table): Table => table.map((crc) => entry(first, crc) ^ (crc >>> 8));
  const second = next(first);
  const third = next(second);
  const fourth = next(third);
  const fifth = next(fourth);
  const sixth = next(fifth);
  const seventh = next(sixth);
  return [first, second, third, fourth, fifth, sixth, seventh, next(seventh)];
}
