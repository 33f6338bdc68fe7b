import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { ConnectLimit } from './connect-limit.ts';

test('books no more into any minute than is allowed, and nothing later than needed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 40 }),
      (perMinute, pauses) => {
        const clock = new HandClock(0);
        const limit = new ConnectLimit(clock, perMinute);
        const booked: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          const at = clock.now() / 1000 + limit.book();
          const before = booked[booked.length - perMinute];
          expect(at).toBe(Math.max(clock.now() / 1000, before === undefined ? 0 : before + 60_000));
          booked.push(at);
        }
      },
    ),
  );
});
