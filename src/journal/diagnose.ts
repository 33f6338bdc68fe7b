import { existsSync, readdirSync, statSync } from 'node:fs';
import { MdpError } from '../runtime/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { lockFile } from '../runtime/file-lock.ts';
import { fail, ok, warn, type Finding } from '../runtime/finding.ts';
import type { Log } from '../runtime/log.ts';
import { Checkpoints } from './checkpoint.ts';
import { formatTime } from '../market/time.ts';
import { errnoOf } from './disk.ts';
import { listSegments, type SegmentSummary } from './inspect.ts';

const ABOUT = 'journal';
const DAMAGED = 'the disk, or a power cut: `mdp journal verify` tells where; check the disk';

type Asked = {
  readonly directory: string;
  readonly maxBytes: number;
  readonly clock: Clock;
};

/** How the journal in its directory stands: whose it is, how full, and whole. Changes nothing. */
export const diagnoseJournal = async (asked: Asked): Promise<readonly Finding[]> => {
  const { directory, maxBytes } = asked;
  if (!existsSync(directory)) return [];
  try {
    const holder = holderOf(directory);
    const segments = await listSegments(directory);
    return [
      fillFinding(segments, maxBytes),
      ...quarantineFindings(directory),
      // A pipeline that writes replaces its checkpoints under our eyes.
      holder === undefined ? await checkpointFinding(asked, segments) : ok(ABOUT, holder),
    ];
  } catch (error) {
    if (error instanceof MdpError) return [fail(ABOUT, error.message, error.hint)];
    const text = `${directory} cannot be read (${errnoOf(error)})`;
    return [fail(ABOUT, text, 'give this user read rights there, or choose another journal.dir')];
  }
};

/** Who has the directory now; undefined when nobody does. */
const holderOf = (directory: string): string | undefined => {
  const lock = `${directory}/lock`;
  if (!existsSync(lock)) return undefined;
  try {
    lockFile(lock).release();
    return undefined;
  } catch (error) {
    if (!(error instanceof MdpError) || error.code !== 'locked') throw error;
    return `${error.message}: it runs now, and a second one needs a directory of its own`;
  }
};

const fillFinding = (segments: readonly SegmentSummary[], maxBytes: number): Finding => {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const text = `${segments.length} segments, ${mib(bytes)} of ${mib(maxBytes)}`;
  const givenUp = segments.filter(({ condensed }) => condensed).length;
  if (givenUp === 0) return ok(ABOUT, text);
  const cure = 'it was full: mend the database, or raise journal.max_bytes';
  return warn(ABOUT, `${text}; the frames of ${givenUp} were given up`, cure);
};

const quarantineFindings = (directory: string): readonly Finding[] => {
  const aside = `${directory}/quarantine`;
  const files = existsSync(aside) ? readdirSync(aside) : [];
  if (files.length === 0) return [];
  const latest = Math.max(...files.map((name) => statSync(`${aside}/${name}`).mtimeMs));
  const since = formatTime(Math.trunc(latest) * 1000);
  const text = `${files.length} damaged places are kept in ${aside}, the last since ${since}`;
  return [warn(ABOUT, text, `${DAMAGED}; remove the files when they have been looked at`)];
};

/** Whether the next start can go on where the last run was. */
const checkpointFinding = async (
  { directory, clock }: Asked,
  segments: readonly SegmentSummary[],
): Promise<Finding> => {
  let damaged = 0;
  const log: Log = { ...silent, with: () => log, error: () => void (damaged += 1) };
  const checkpoint = await new Checkpoints({ directory, clock, log }).load();
  if (checkpoint === undefined) {
    if (damaged > 0) return fail(ABOUT, `none of ${damaged} checkpoints can be read`, DAMAGED);
    return ok(ABOUT, 'no checkpoint yet');
  }
  const { position } = checkpoint.mark;
  const unread = segments.reduce((sum, { end, start }) => {
    return sum + Math.max(0, end - Math.max(start, position));
  }, 0);
  const age = ((clock.now() - checkpoint.writtenAt) / 1e6).toFixed(0);
  const text = `the last checkpoint is ${age} s old, ${mib(unread)} are behind it`;
  if (damaged === 0) return ok(ABOUT, text);
  return warn(ABOUT, `${text}; ${damaged} beside it cannot be read`, DAMAGED);
};

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
