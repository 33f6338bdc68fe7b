import type { SourcePart } from '../../pipeline/source-set.ts';
import type { Surroundings } from '../../pipeline/build.ts';
import { MdpError } from '../../runtime/errors.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';
import { pause } from '../../runtime/waiting.ts';
import { createSource } from '../../sources/create.ts';
import type { SourceEntry, VenueEntry } from '../../sources/settings.ts';
import type { Source, SourceReport, SymbolReport } from '../../sources/source.ts';
import { withoutSecrets } from '../../runtime/without-secrets.ts';
import { TIMING } from '../../sources/timing.ts';
import { clockFinding, type ClockLimits } from './venue-clock.ts';
import { createHearing, type Hearing } from './hearing.ts';

/** The venue's time to answer for each symbol, and then ours to listen for those that speak. */
const CONFIRM_MS = 3000;
const LISTEN_MS = 3000;
const LOOK_MS = 50;
/** At most so many names in a line. */
const NAMES = 10;

/** How long to look, and what to hold against what is heard. */
export type Listening = {
  readonly around: Surroundings;
  readonly limits: ClockLimits;
  readonly signal: AbortSignal;
};

/** Whether a source can be reached and knows its symbols, and how its clock stands to ours. */
export const diagnoseSource = async (
  part: SourcePart,
  listening: Listening,
): Promise<readonly Finding[]> => {
  const about = `source ${part.name}`;
  const { entry, venue } = part;
  try {
    const hearing = createHearing(venue);
    const source = sourceOf(part, hearing, listening);
    if (!isLive(entry)) return [ok(about, `${entry.type}: there is no venue to reach`)];
    const [plan] = entry.symbols.length === 0 ? [] : venue.plan({ ...entry, url: entry.url });
    if (plan === undefined) return [ok(about, 'no symbol falls to this process')];
    const address = withoutSecrets(plan.url);
    const opened = await listen(source, hearing, entry, listening);
    if (typeof opened === 'string') {
      return [fail(about, `${address} does not open: ${opened}`, REACH)];
    }
    return [
      ok(about, `${address} opened in ${opened.tookMs.toFixed(0)} ms`),
      ...symbolFindings(about, opened.report, hearing, venue.facts.acksUnknownNames),
      await clockFinding({ about, address: plan.url, proxy: entry.proxy }, hearing, listening),
    ];
  } catch (error) {
    if (!(error instanceof MdpError) || error.code === 'invariant') throw error;
    return [fail(about, error.message, error.hint)];
  }
};

const REACH = 'is the address right, and does a firewall or a proxy stand between?';

const isLive = (entry: SourceEntry): entry is VenueEntry =>
  entry.type !== 'synthetic' && entry.type !== 'replay';

const sourceOf = (
  { entry, name, venue }: SourcePart,
  { intake }: Hearing,
  { around }: Listening,
): Source =>
  createSource(entry, {
    ...around,
    name,
    venue,
    intake,
    timing: { ...TIMING, confirmMs: CONFIRM_MS },
  });

type Opened = { readonly tookMs: number; readonly report: SourceReport };

/** Hears the source until all its symbols have spoken, or for long enough. Text: why it cannot. */
const listen = async (
  source: Source,
  hearing: Hearing,
  { connectTimeoutMs }: VenueEntry,
  { around: { clock }, signal }: Listening,
): Promise<Opened | string> => {
  const began = clock.now();
  const passedMs = (): number => (clock.now() - began) / 1000;
  /** Waits while `condition` holds, at most until so long after the beginning. */
  const wait = async (untilMs: number, condition: () => boolean): Promise<void> => {
    while (condition() && passedMs() < untilMs && !signal.aborted) {
      await pause(clock, LOOK_MS, signal);
    }
  };
  source.start();
  try {
    await wait(2 * connectTimeoutMs, () => isOpening(source.report()));
    const { phase, reason, connects } = source.report();
    if (phase === 'backing_off' || connects === 0) return reason ?? phase;
    const tookMs = passedMs();
    await wait(tookMs + 2 * CONFIRM_MS, () => isUnanswered(source.report()));
    await wait(passedMs() + LISTEN_MS, () => hearing.symbols.size < source.report().symbols.length);
    return { tookMs, report: source.report() };
  } finally {
    await source.stop();
  }
};

const isOpening = ({ phase, connects }: SourceReport): boolean =>
  phase === 'connecting' || (connects === 0 && phase !== 'backing_off');

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
    findings.push(fail(about, text, "correct it to the venue's own spelling, or remove it"));
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
