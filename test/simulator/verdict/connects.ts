import { VENUES } from '../../../src/venues/registry.ts';
import type { Life } from '../simulate.ts';

const MINUTE_US = 60_000_000;

/**
 * In no minute more connections are tried than the venue allows, and never more are open than were
 * asked for.
 */
export const judgeConnects = ({ venue, scenario, past }: Life): string[] => {
  const { dialledAt, mostOpen } = venue;
  const { maxConnectsPerMinute: most } = VENUES[scenario.venue.id].facts;
  const complaints: string[] = [];
  for (const [at, time] of dialledAt.entries()) {
    const next = dialledAt[at + most];
    if (next === undefined || next - time >= MINUTE_US) continue;
    // A process does not know of the connections of the one before it.
    if (past.ends.some((end) => end >= time && end <= next)) continue;
    complaints.push(`more than ${most} connections in the minute from ${time}`);
  }
  // Twice as many while one is renewed, and the old ones until their close is answered.
  const bound = scenario.source.connections * 3;
  if (mostOpen > bound) complaints.push(`${mostOpen} connections were open at once`);
  return complaints;
};
