import { expect, test } from 'bun:test';
import { freePort } from './free-port.ts';

const listening = () =>
  Bun.listen({ hostname: '127.0.0.1', port: freePort(), socket: { data: () => {} } });

/** Draws that lead to these ports. */
const drawing = (ports: readonly number[]) => {
  const left = [...ports];
  return () => ((left.shift() ?? 0) + 0.5 - 20_000) / 12_000;
};

test('passes by the ports on which something listens', () => {
  using taken = listening();
  const free = freePort();
  expect(freePort(drawing([taken.port, taken.port, free]))).toBe(free);
});

test('gives up where none is free', () => {
  using taken = listening();
  expect(() => freePort(drawing(Array.from({ length: 100 }, () => taken.port)))).toThrow(
    'none of them is free',
  );
});

test('lies below the ports that systems give out', () => {
  expect(freePort(() => 0)).toBeWithin(20_000, 32_768);
  expect(freePort(() => 1 - Number.EPSILON)).toBeWithin(20_000, 32_768);
});
