import { readFileSync } from 'node:fs';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Venue } from '../venues/venue.ts';
import { createReplaySource } from './replay.ts';
import type { SourceEntry, VenueEntry } from './settings.ts';
import type { OpenSocket } from './socket.ts';
import { openSocket } from './web-socket/open.ts';
import type { Intake, Source } from './source.ts';
import { createSyntheticSource } from './synthetic.ts';
import { TIMING } from './timing.ts';
import type { Timing } from './timing.ts';
import { createWebSocketSource } from './websocket-source.ts';
import type { WebSocketSourceSettings } from './websocket-source.ts';

export type SourceParts = {
  readonly name: string;
  readonly venue: Venue;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Default: the clients in `web-socket`. */
  readonly openSocket?: OpenSocket;
  readonly timing?: Timing;
};

/**
 * The source that an entry of the configuration describes, not started. Throws `config` where the
 * venue cannot do what the entry asks for or its certificates cannot be read, `input` where a
 * recording is not there.
 */
export const createSource = (entry: SourceEntry, parts: SourceParts): Source => {
  const { name, venue, intake, clock, random } = parts;
  const log = parts.log.with({ source: name });
  if (entry.type === 'synthetic') return createSyntheticSource(entry, { name, clock, intake });
  if (entry.type === 'replay') return createReplaySource(entry, { name, clock, intake, log });
  const source = createWebSocketSource(settingsOf(entry, name), {
    venue,
    intake,
    clock,
    random,
    log,
    openSocket: parts.openSocket ?? openSocket,
    timing: parts.timing ?? TIMING,
  });
  return {
    ...source,
    revise: (next) => {
      if (next.type !== entry.type) return false;
      source.revise(settingsOf(next, name));
      return true;
    },
  };
};

const settingsOf = (entry: VenueEntry, name: string): WebSocketSourceSettings => {
  const { symbols, channels, url, trades, connections, caFile, proxy, ...connection } = entry;
  return {
    ...connection,
    name,
    proxy,
    ca: caFile === undefined ? undefined : certificates(caFile),
    copies: connections,
    wish: { symbols, channels, url, trades },
  };
};

const certificates = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MdpError('config', `cannot read the certificates in ${path}`, {
      hint: 'ca_file names a file in PEM form that this user may read',
      cause,
    });
  }
};
