import { onTestFinished } from 'bun:test';
import { createSystemClock } from '../../src/runtime/system-clock.ts';
import { openSocket } from '../../src/sources/web-socket/open.ts';
import { TIMING } from '../../src/sources/timing.ts';
import type { Timing } from '../../src/sources/timing.ts';
import { createWebSocketSource } from '../../src/sources/websocket-source.ts';
import type {
  WebSocketSource,
  WebSocketSourceSettings,
} from '../../src/sources/websocket-source.ts';
import type { Channel, Venue } from '../../src/venues/venue.ts';
import { Heard } from './heard.ts';
import { plainVenue } from './plain-venue.ts';
import { startScriptedVenue } from './scripted-venue.ts';
import type { Script, ScriptedVenue } from './scripted-venue.ts';
import { silentLog } from './silent-log.ts';

export type Stage = {
  readonly venue: ScriptedVenue;
  readonly source: WebSocketSource;
  readonly intake: Heard;
};

export type StageOptions = {
  readonly venue?: Venue;
  readonly symbols?: readonly string[];
  readonly channels?: readonly Channel[];
  readonly settings?: Partial<WebSocketSourceSettings>;
  readonly timing?: Partial<Timing>;
  /** Draws of the jitter; default: always the longest wait. */
  readonly random?: () => number;
};

/** As in the program, but a hundred times as fast. */
const FAST: Timing = {
  ...TIMING,
  tickMs: 10,
  pingMs: 20,
  closeMs: 200,
  confirmMs: 300,
  overlapMs: 100,
  pausedPongMs: 20,
  backoff: { floorMs: 0, baseMs: 10, capMs: 100 },
  throttled: { floorMs: 300, baseMs: 400, capMs: 1000 },
};

/**
 * A source at work against a scripted venue; both are stopped after the test, whose file need not
 * know: a hook of this module would be a hook of the first file that loads it, and of no other.
 */
export const stage = async (script: Script, options: StageOptions = {}): Promise<Stage> => {
  const venue = await startScriptedVenue(script);
  const intake = new Heard();
  const source = createWebSocketSource(
    {
      name: 'test',
      wish: {
        symbols: options.symbols ?? ['A', 'B'],
        channels: options.channels ?? ['trades'],
        url: venue.url,
        trades: 'trade',
      },
      copies: 1,
      connectTimeoutMs: 1000,
      maxFrameBytes: 64 * 1024,
      compression: false,
      proxy: undefined,
      ca: undefined,
      muteAfterMs: 0,
      ...options.settings,
    },
    {
      venue: options.venue ?? plainVenue(),
      intake,
      clock: createSystemClock(),
      log: silentLog,
      openSocket,
      random: options.random ?? (() => 0.999),
      timing: { ...FAST, ...options.timing },
    },
  );
  onTestFinished(async () => {
    await source.stop();
    await venue.stop();
  });
  source.start();
  return { venue, source, intake };
};

const PATIENCE_MS = 4000;

/** Resolves as soon as `condition` holds; throws when it does not within four seconds. */
export const until = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await Bun.sleep(1);
  }
};
