import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { advice } from '../config/advice.ts';
import type { Config } from '../config/config.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { pathText } from '../config/place.ts';
import { problemText } from '../config/problem.ts';
import { diagnoseJournal } from '../journal/diagnose.ts';
import { sourceParts, type Surroundings } from '../pipeline/build.ts';
import type { SourcePart } from '../pipeline/source-set.ts';
import { MdpError } from '../runtime/errors.ts';
import { fail, ok, warn, type Finding } from '../runtime/finding.ts';
import { createLog } from '../runtime/json-log.ts';
import { parseDatabaseUrl } from '../sinks/database-url.ts';
import { diagnoseDatabase } from '../sinks/diagnose.ts';
import { EXIT, type CommandContext, type Output } from './context.ts';
import { readRoom, roomFindings } from './doctor/allowance.ts';
import { certificateFindings } from './doctor/certificate.ts';
import { diagnoseDisk, type DiskRequest } from './doctor/disk.ts';
import { diagnoseOpenFiles } from './doctor/limits.ts';
import { diagnosePorts } from './doctor/port.ts';
import { diagnoseSource } from './doctor/venue.ts';

const DOCTOR_HELP = `mdp doctor [--config PATH] [--format text|json]

Looks at everything that \`mdp run\` will need, and says how it stands and what to do about it:
the configuration, the limits on memory, CPU and open files, ports and certificate, the disk
and its speed, the journal, the database with its schema and privileges, the ledger against
the trades stored, each source with its symbols, and the clocks.
Gap rows whose trades are stored by now are brought up to date; nothing else is changed. May
run beside a running pipeline. Takes some seconds, to hear the venues.

  --config PATH     configuration file (default: ./config.yaml, else the built-in one)
  --format FORMAT   text (default), or json: {"status", "findings": [{"about", "status",
                    "text", "cure"}]}

Exit codes: 0 nothing fails, 1 something does, 2 usage.
`;

/** `mdp doctor`: would it work, and if not, why not? */
export const doctorCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      format: { type: 'string', default: 'text' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(DOCTOR_HELP);
    return EXIT.fine;
  }
  const writer = writerOf(values.format, context.stdout);
  const findings: Finding[] = [];
  for await (const some of examine(values.config, context)) {
    findings.push(...some);
    writer.some(some);
  }
  writer.end(findings);
  return findings.some(({ status }) => status === 'fail') ? EXIT.failed : EXIT.fine;
};

/** The findings, group by group as they are made. */
async function* examine(
  path: string | undefined,
  context: CommandContext,
): AsyncGenerator<readonly Finding[]> {
  const { loaded, findings } = examineConfiguration(path);
  yield findings;
  if (loaded === undefined) return;
  const { config } = loaded;
  const { clock, finish } = context;
  const around: Surroundings = { clock, random: Math.random, log: silentLog(context) };
  const parts = sourceParts(config, around);
  yield [
    ...roomFindings(readRoom(), config.queues.maxMemoryBytes),
    diagnoseOpenFiles(connectionsOf(config, parts)),
  ];
  yield [...(await diagnosePorts(config, clock)), ...certificateFindings(config.http, clock)];
  for (const request of directoriesOf(config)) yield await diagnoseDisk(request, clock);
  const { enabled, dir, maxBytes } = config.journal;
  if (enabled) yield await diagnoseJournal({ directory: dir, maxBytes, clock });
  yield await diagnoseDatabase(databaseRequest(config, context), finish);
  const listening = { around, limits: config.operators.validate, signal: finish };
  const sources = parts.map((part) => diagnoseSource(part, listening));
  for (const source of sources) yield await source;
}

type Examined = {
  readonly loaded: LoadedConfig | undefined;
  readonly findings: readonly Finding[];
};

const CONFIGURATION = 'configuration';

/** Without sources the rest can be looked at all the same. */
const examineConfiguration = (path: string | undefined): Examined => {
  try {
    const loaded = loadConfig({ path, sources: 'required' });
    const warnings = advice(loaded).map(({ path: key, text }) => {
      const problem = { place: loaded.said(key).place, key: pathText(key), text };
      return warn(CONFIGURATION, problemText(problem), 'see docs/configuration.md');
    });
    const valid = ok(CONFIGURATION, `${loaded.file ?? 'the built-in configuration'} is valid`);
    return { loaded, findings: [valid, ...warnings] };
  } catch (error) {
    if (!(error instanceof MdpError) || error.code !== 'config') throw error;
    return {
      loaded: loadedAnyway(path),
      findings: [fail(CONFIGURATION, error.message, error.hint)],
    };
  }
};

const loadedAnyway = (path: string | undefined): LoadedConfig | undefined => {
  try {
    return loadConfig({ path, sources: 'ignored' });
  } catch {
    // What is wrong has been found, and is told.
    return undefined;
  }
};

const databaseRequest = ({ database, sink }: Config, { clock }: CommandContext) => {
  const { url, schema, sslmode, sslCa, migrate, retention } = database;
  const keepsAll = retention === 'keep';
  return { url, schema, sslmode, sslCa, migrate, keepsAll, clock, workers: sink.workers };
};

/** Room for a database file to grow, where nothing else is said. */
const DATABASE_FREE_BYTES = 1024 ** 3;

const directoriesOf = ({ database, journal }: Config): readonly DiskRequest[] => {
  const parsed = parseDatabaseUrl(database.url);
  const file = parsed?.kind === 'sqlite' ? dirname(parsed.path) : undefined;
  const { enabled, dir: directory, minFreeBytes: leastFreeBytes, maxBytes: growsTo } = journal;
  return [
    ...(enabled ? [{ about: 'journal', directory, leastFreeBytes, growsTo }] : []),
    ...(file === undefined
      ? []
      : [{ about: 'database', directory: file, leastFreeBytes: DATABASE_FREE_BYTES }]),
  ];
};

/** Sockets to venues, twice as many while connections are renewed, and to the database. */
const connectionsOf = (config: Config, parts: readonly SourcePart[]): number => {
  const perSource = parts.map(({ entry, venue }) => {
    if (entry.type === 'synthetic' || entry.type === 'replay') return 0;
    const lines = Math.ceil(entry.symbols.length / venue.facts.maxSymbolsPerConnection);
    return 2 * lines * entry.connections;
  });
  return perSource.reduce((sum, count) => sum + count, config.sink.workers + 1);
};

/** What the sources would log is in the findings. */
const silentLog = ({ clock }: CommandContext) =>
  createLog({ level: 'error', format: 'text', now: () => clock.now(), write: () => undefined });

type Writer = {
  readonly some: (findings: readonly Finding[]) => void;
  readonly end: (findings: readonly Finding[]) => void;
};

const writerOf = (format: string, out: Output): Writer => {
  if (format === 'json') {
    return { some: () => undefined, end: (findings) => out.write(jsonText(findings)) };
  }
  if (format === 'text') {
    return {
      some: (findings) => out.write(findings.map(findingText).join('')),
      end: () => undefined,
    };
  }
  throw new MdpError('usage', `--format: expected text or json, got \`${format}\``);
};

const jsonText = (findings: readonly Finding[]): string => {
  const worst = (['fail', 'warn'] as const).find((status) =>
    findings.some((finding) => finding.status === status),
  );
  const told = findings.map((finding) => ({ ...finding, cure: finding.cure ?? null }));
  return `${JSON.stringify({ status: worst ?? 'ok', findings: told }, undefined, 2)}\n`;
};

const findingText = ({ about, status, text, cure }: Finding): string => {
  const lines = [`${status.padEnd(4)}  ${about}: ${text}`, ...(cure === undefined ? [] : [cure])];
  return `${lines.join('\n').replaceAll(/\n(?=.)/g, '\n      ')}\n`;
};
