import { integerOf, type Integer } from './integer.ts';

const encoder = new TextEncoder();

/**
 * A stable id for a text: FNV-1a with 64 bits over the UTF-8 bytes
 * (http://www.isthe.com/chongo/tech/comp/fnv/), the top bit cleared, and 1 where that leaves 0.
 * Between 1 and 2^63 - 1; the same on every platform and in every run.
 */
export function stableId(text: string): Integer {
  // The 64-bit state in two 32-bit halves; the prime is 2^40 + 435.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of encoder.encode(text)) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 435;
    high = (high * 435 + Math.floor(product / 2 ** 32) + ((mixed << 8) >>> 0)) >>> 0;
    low = product >>> 0;
  }
  const hash = (BigInt(high & 0x7fff_ffff) << 32n) | BigInt(low);
  return hash === 0n ? 1 : integerOf(hash);
}
