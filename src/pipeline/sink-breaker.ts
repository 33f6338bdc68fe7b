import { Breaker } from '../runtime/breaker.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import { RETRY } from './sink-worker.ts';

/** So many failures of the sink in a row, and one probe at a time asks for all workers. */
const FAILURES = 3;

type Around = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: RateLimitedLog;
};

/** The breaker that the sink workers share: it says when it opens and when it closes. */
export const createSinkBreaker = ({ clock, random, log }: Around): Breaker =>
  new Breaker({
    failures: FAILURES,
    backoff: RETRY,
    clock,
    random,
    onChange: (state) => {
      if (state === 'open') log.say(state, 'warn', 'The database fails: one worker asks for all');
      if (state === 'closed') log.say(state, 'info', 'The database answers again');
    },
  });
