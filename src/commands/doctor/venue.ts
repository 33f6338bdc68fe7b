import type { SourcePart } from '../../pipeline/source-set.ts';
import type { Surroundings } from '../../pipeline/build.ts';
import { MdpError } from '../../runtime/errors.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';
import { pause } from '../../runtime/waiting.ts';
import { createSource } from '../../sources/create.ts';
import type { SourceEntry, VenueEntry } from '../../sources/settings.ts';
import type { Source, SourceReport, SymbolReport } from '../../sources/source.ts';
import { TIMING } from '../../sources/timing.ts';
import { clockFinding, type ClockLimits } from './venue-clock.ts';
import { createHearing, type Hearing } from './hearing.ts';

/** The venue's time to answer for each symbol, and then ours to listen for those that speak. */
const CONFIRM_MS = 3000;
const LISTEN_MS = 3000;
const LOOK_MS = 50;
/** At most so many names in a line. */
const NAMES = 10;

/** Whether a source can be reached and knows its symbols, and how its clock stands to ours. */
export const diagnoseSource = async (
  part: SourcePart,
  limits: ClockLimits,
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const about = `source ${part.name}`;
  try {
    const hearing = createHearing(part.venue);
    const source = sourceOf(part, hearing, around);
    if (!isLive(part.entry)) return [ok(about, `${part.entry.type}: there is no venue to reach`)];
    if (part.entry.symbols.length === 0) return [ok(about, 'no symbol falls to this process')];
    return await listen(part, part.entry, source, hearing, limits, around, signal);
  } catch (error) {
    if (!(error instanceof MdpError) || error.code === 'invariant') throw error;
    return [fail(about, error.message, error.hint)];
  }
};

const isLive = (entry: SourceEntry): entry is VenueEntry =>
  entry.type !== 'synthetic' && entry.type !== 'replay';

const sourceOf = ({ entry, name, venue }: SourcePart, { intake }: Hearing, around: Surroundings) =>
  createSource(entry, {
    ...around,
    name,
    venue,
    intake,
    timing: { ...TIMING, confirmMs: CONFIRM_MS },
  });

const listen = async (
  { name, venue }: SourcePart,
  entry: VenueEntry,
  source: Source,
  hearing: Hearing,
  limits: ClockLimits,
  { clock }: Surroundings,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const about = `source ${name}`;
  const [plan] = venue.plan({ ...entry, url: entry.url });
  const address = plan?.url ?? '';
  const began = clock.now();
  const passedMs = (): number => (clock.now() - began) / 1000;
  const look = () => pause(clock, LOOK_MS, signal);
  source.start();
  try {
    const opened = await whenOpen(source, look, () => passedMs() < entry.connectTimeoutMs * 2);
    if (!opened) {
      const { reason, phase } = source.report();
      return [fail(about, `${address} does not open: ${reason ?? phase}`, REACH)];
    }
    const tookMs = passedMs();
    const heardAll = (): boolean => hearing.symbols.size >= source.report().symbols.length;
    while (isUnanswered(source.report()) && passedMs() < tookMs + 2 * CONFIRM_MS) await look();
    const answeredMs = passedMs();
    while (!heardAll() && passedMs() < answeredMs + LISTEN_MS && !signal.aborted) await look();
    return [
      ok(about, `${address} opened in ${tookMs.toFixed(0)} ms`),
      ...symbolFindings(about, source.report(), hearing, venue.facts.acksUnknownNames),
      await clockFinding(about, address, entry.proxy, hearing, limits, clock),
    ];
  } finally {
    await source.stop();
  }
};

const REACH = 'is the address right, and does a firewall or a proxy stand between?';

/** False where it fails, or is not open in time. */
const whenOpen = async (
  source: Source,
  look: () => Promise<void>,
  inTime: () => boolean,
): Promise<boolean> => {
  for (;;) {
    const { connects, phase } = source.report();
    if (phase === 'backing_off') return false;
    if (connects > 0 && phase !== 'connecting') return true;
    if (!inTime()) return false;
    await look();
  }
};

const isUnanswered = ({ symbols }: SourceReport): boolean =>
  symbols.some(({ state }) => state === 'pending');

const symbolFindings = (
  about: string,
  { symbols }: SourceReport,
  { symbols: heard }: Hearing,
  acksUnknownNames: boolean,
): readonly Finding[] => {
  const of = (state: SymbolReport['state']) => symbols.filter((each) => each.state === state);
  const refused = of('refused');
  const unanswered = [...of('unconfirmed'), ...of('pending')];
  const silent = of('subscribed').filter(({ symbol }) => !heard.has(symbol));
  const findings: Finding[] = [];
  if (refused.length > 0) {
    const text = `the venue refuses ${named(refused)}: ${refused[0]?.reason ?? 'no reason given'}`;
    findings.push(fail(about, text, 'correct the spelling to the venue’s own, or remove it'));
  }
  if (unanswered.length > 0) {
    const text = `the venue did not answer for ${named(unanswered)}`;
    findings.push(warn(about, text, 'look whether the venue still lists it'));
  }
  if (silent.length > 0 && acksUnknownNames) {
    const text = `nothing came for ${named(silent)} within ${LISTEN_MS / 1000} s`;
    findings.push(
      warn(about, text, 'a quiet market, or a name that the venue takes and does not know'),
    );
  }
  const fine = symbols.length - refused.length - unanswered.length;
  findings.push(ok(about, `${fine} of ${symbols.length} symbols subscribed, ${heard.size} heard`));
  return findings;
};

const named = (symbols: readonly SymbolReport[]): string => {
  const names = symbols.slice(0, NAMES).map(({ symbol }) => symbol);
  const more = symbols.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
};
