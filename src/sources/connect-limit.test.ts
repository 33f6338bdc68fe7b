import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { ConnectLimit } from './connect-limit.ts';

test('books no more into any minute than is allowed, and nothing later than needed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 30_000_000 }), { maxLength: 40 }),
      (perMinute, pausesUs) => {
        const clock = new HandClock(0);
        const limit = new ConnectLimit(clock, perMinute);
        const booked: number[] = [];
        for (const pauseUs of pausesUs) {
          clock.advance(pauseUs / 1000);
          const now = clock.now();
          const at = now + limit.book() * 1000;
          const before = booked[booked.length - perMinute];
          const permitted = before === undefined ? now : Math.max(now, before + 60_000_000);
          expect(at).toBeWithin(permitted, permitted + 1000);
          booked.push(at);
        }
      },
    ),
  );
});
