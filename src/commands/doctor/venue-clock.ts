import type { Clock } from '../../runtime/clock.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';
import type { Hearing } from './hearing.ts';

/** `operators.validate`: beyond these a trade is refused, or in no bar. 0 = no limit. */
export type ClockLimits = { readonly maxAgeMs: number; readonly maxAheadMs: number };

type Around = { readonly clock: Clock };

type Asked = {
  readonly about: string;
  /** ws:// or wss://. */
  readonly address: string;
  readonly proxy: string | undefined;
};

/** What a frame's way, and the whole seconds of a Date header, explain. */
const AHEAD_TOLERANCE_MS = 1000;
const BEHIND_TOLERANCE_MS = 5000;
const HTTP_DEADLINE_MS = 3000;

const CURE = "synchronise this machine's clock (chrony, systemd-timesyncd)";

/**
 * How the venue's clock stands to ours: by the times in its frames, the freshest of which is older
 * by its way alone; where none told a time, by the Date header of its HTTP server.
 */
export const clockFinding = async (
  { about, address, proxy }: Asked,
  hearing: Hearing,
  { limits, around: { clock } }: { readonly limits: ClockLimits; readonly around: Around },
): Promise<Finding> => {
  const lagMs = hearing.leastLagMs() ?? (await lagByHttp(address, proxy, clock));
  if (lagMs === undefined) return ok(about, "nothing told the venue's time");
  const text = `the venue's freshest time is ${Math.abs(lagMs).toFixed(0)} ms ${
    lagMs < 0 ? 'ahead of' : 'behind'
  } ours`;
  const refused = limits.maxAheadMs > 0 && -lagMs > limits.maxAheadMs;
  const stale = limits.maxAgeMs > 0 && lagMs > limits.maxAgeMs;
  if (refused || stale) {
    const fate = refused ? 'trades would be refused' : 'trades would be in no bar';
    return fail(about, `${text}: ${fate}`, CURE);
  }
  const close = -AHEAD_TOLERANCE_MS <= lagMs && lagMs <= BEHIND_TOLERANCE_MS;
  return close ? ok(about, text) : warn(about, text, CURE);
};

/** Our time minus the Date of the venue's HTTP server, in ms; whole seconds at best. */
const lagByHttp = async (
  address: string,
  proxy: string | undefined,
  clock: Clock,
): Promise<number | undefined> => {
  const { host, protocol } = new URL(address);
  const url = `${protocol === 'wss:' ? 'https' : 'http'}://${host}/`;
  try {
    const { headers, body } = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(HTTP_DEADLINE_MS),
      ...(proxy === undefined ? {} : { proxy }),
    });
    await body?.cancel();
    const date = Date.parse(headers.get('date') ?? '');
    return Number.isNaN(date) ? undefined : clock.now() / 1000 - date;
  } catch {
    // The feed was reached, and that is what counts: its HTTP side is only asked for the time.
    return undefined;
  }
};
