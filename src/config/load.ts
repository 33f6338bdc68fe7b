import * as v from 'valibot';
import type { TracingOptions } from '../runtime/tracing-options.ts';
import { camel } from './camel.ts';
import type { Setting } from './check-leaf.ts';
import type { Config } from './config.ts';
import { type Layer, NOTHING, readConfigFile } from './config-file.ts';
import { defaultOf, entriesOf, type Schema } from './describe.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { errorCode, type ReadFile, readTextFile } from './files.ts';
import { partOf } from './known-keys.ts';
import { leaves } from './leaves.ts';
import { readOtel } from './otel.ts';
import { overriddenSources, type Overrides } from './overrides.ts';
import { DEFAULT, type Path, pathText, type Place } from './place.ts';
import { configError, type Problem } from './problem.ts';
import { brokenRules, type Fault } from './rules.ts';
import { configSchema } from './schema.ts';

/**
 * From config.yaml, environment and command line to one frozen `Config`. Everything that is wrong
 * is reported at once, each with its place, what was found and what is allowed; nothing wrong or
 * unknown is ever passed over. The only reader of the process's environment.
 */
export type { Overrides };

export type LoadRequest = {
  /** Of the configuration file, which then must exist; else config.yaml where there is one. */
  readonly path?: string | undefined;
  readonly overrides?: Overrides;
  /**
   * required: it is an error when nothing says what to listen to. ignored: for commands that do not
   * listen.
   */
  readonly sources?: 'required' | 'ignored';
  readonly env?: Environment;
  readonly readFile?: ReadFile;
};

export type LoadedConfig = {
  readonly config: Config;
  /** What the OTEL_ variables say; undefined where there is no tracing. */
  readonly tracing: TracingOptions | undefined;
  /** The configuration file that was read; undefined where there was none. */
  readonly file: string | undefined;
  /** Every file that was read or looked for: a change of one may change the configuration. */
  readonly files: readonly string[];
  /** Worth a log line each. */
  readonly notes: readonly string[];
  /** What was written for a key, and where. */
  readonly said: (path: Path) => Said;
};

/** In the form of config.yaml; the default where nothing was written. */
export type Said = { readonly value: unknown; readonly place: Place };

/** Read from the working directory when no other file is named; may be missing. */
export const DEFAULT_FILE = 'config.yaml';

/**
 * Defaults < config.yaml < environment < command line.
 * @throws MdpError `config`, a line for each problem
 */
export function loadConfig(request: LoadRequest = {}): LoadedConfig {
  const { path, overrides = {}, env = process.env } = request;
  const files = new Set<string>();
  const readFile: ReadFile = (name) => {
    files.add(name);
    return (request.readFile ?? readTextFile)(name);
  };
  const file = fileLayer(path, readFile);
  const environment = readEnvironment(env, readFile);
  const below = new Map([...file.settings, ...environment.settings]);
  const flags = overriddenSources(overrides, below.get('sources'));
  const layers: readonly Layer[] = [file, environment, flags];
  const merged: Merged = {
    settings: new Map([...below, ...flags.settings]),
    unsound: new Set(layers.flatMap(({ unsound }) => [...unsound])),
    problems: layers.flatMap(({ problems }) => [...problems]),
  };
  addDefaultSource(merged, request.sources !== 'ignored');
  const traces = saidAt(merged.settings, ['telemetry', 'enable_tracing']).value === true;
  const tracing = traces ? readOtel(env, readFile, merged.problems) : undefined;
  const config = settled(merged);
  const said = (key: Path): Said => saidAt(merged.settings, key);
  const read = file === NOTHING ? undefined : (path ?? DEFAULT_FILE);
  const notes = notesOn(environment.ignored);
  return { config, tracing, file: read, files: [...files], notes, said };
}

function notesOn(ignored: readonly string[]): readonly string[] {
  if (ignored.length === 0) return [];
  return [`Ignored variables that a platform injects: ${ignored.join(', ')}`];
}

type Merged = {
  readonly settings: Map<string, Setting>;
  readonly unsound: ReadonlySet<string>;
  readonly problems: Problem[];
};

function fileLayer(named: string | undefined, readFile: ReadFile): Layer {
  const file = named ?? DEFAULT_FILE;
  try {
    return readConfigFile(readFile(file), file);
  } catch (error) {
    const code = errorCode(error);
    if (named === undefined && code === 'ENOENT') return NOTHING;
    const place: Place = { kind: 'file', file, line: 1, column: 1 };
    const problem = { place, key: '', text: `cannot be read (${code}); give the path of a file` };
    return { ...NOTHING, problems: [problem] };
  }
}

/**
 * Without sources, made-up data goes to the embedded database only: a server is not littered with
 * it.
 */
function addDefaultSource({ settings, unsound, problems }: Merged, required: boolean): void {
  const { value } = saidAt(settings, ['sources']);
  const configured = Array.isArray(value) && value.length > 0;
  if (configured || unsound.has('sources') || unsound.has('database.url')) return;
  const database = saidAt(settings, ['database', 'url']);
  if (String(database.value).startsWith('sqlite:')) {
    settings.set('sources', { value: [{ type: 'synthetic' }], place: () => DEFAULT });
  } else if (required) {
    problems.push({ place: database.place, key: 'sources', text: NO_SOURCES });
  }
}

const NO_SOURCES = `nothing to listen to is configured, and made-up data is for SQLite only.
Put into config.yaml, for example:

sources:
  - type: coinbase
    symbols: [BTC-USD, ETH-USD]

or run: mdp run --source coinbase --symbols BTC-USD,ETH-USD`;

/** The configuration that sound settings and defaults make, or the error with all that is wrong. */
function settled({ settings, unsound, problems }: Merged): Config {
  const result = v.safeParse(configSchema, valuesBelow(configSchema, [], settings));
  const faults = result.success
    ? brokenRules(camel(result.output), unsound)
    : result.issues.map(sectionFault);
  for (const { path, text } of faults) {
    problems.push({ place: saidAt(settings, path).place, key: pathText(path), text });
  }
  if (!result.success || problems.length > 0) throw configError(problems);
  return camel(result.output);
}

function sectionFault(issue: v.BaseIssue<unknown>): Fault {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  return { path, text: issue.message };
}

/** What is said below a path as one tree, with every section in it. */
function valuesBelow(schema: Schema, path: Path, settings: ReadonlyMap<string, Setting>): unknown {
  const entries = entriesOf(schema);
  if (entries === undefined) return settings.get(pathText(path))?.value;
  const values = [...entries].map(([key, entry]) => [
    key,
    valuesBelow(entry, [...path, key], settings),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function saidAt(settings: ReadonlyMap<string, Setting>, path: Path): Said {
  const leaf = leaves.find((candidate) =>
    candidate.path.every((step, index) => path[index] === step),
  );
  const setting = leaf === undefined ? undefined : settings.get(leaf.key);
  if (leaf === undefined || setting === undefined) {
    return { value: leaf === undefined ? undefined : defaultOf(leaf.schema), place: DEFAULT };
  }
  const below = path.slice(leaf.path.length);
  const value = below.reduce(partOf, setting.value);
  return { value, place: setting.place(below, 'value') };
}
