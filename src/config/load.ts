import * as v from 'valibot';
import { camel } from './camel.ts';
import type { Setting } from './check-leaf.ts';
import type { Config } from './config.ts';
import { type Layer, readConfigFile } from './config-file.ts';
import { defaultOf, entriesOf, type Schema } from './describe.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { errorCode, type ReadFile, readTextFile } from './files.ts';
import { partOf } from './known-keys.ts';
import { leaves } from './leaves.ts';
import { overriddenSources, type Overrides, runTime } from './overrides.ts';
import { DEFAULT, type Path, pathText, type Place } from './place.ts';
import { configError, type Problem } from './problem.ts';
import { brokenRules, type Fault } from './rules.ts';
import { configSchema } from './schema.ts';

/**
 * From config.yaml, environment and command line to one frozen `Config`. Everything that is wrong is reported at once,
 * each with its place, what was found and what is allowed; nothing wrong or unknown is ever passed over. Reads no
 * environment and no file by itself but what it is given, and decides nothing that a station should.
 */
export type LoadRequest = {
  readonly env: Environment;
  readonly overrides?: Overrides;
  readonly readFile?: ReadFile;
  /** Whether it is an error when nothing says what to listen to: for `run` and `check`. */
  readonly requireSources?: boolean;
};

export type LoadedConfig = {
  readonly config: Config;
  /** Of `--duration`: milliseconds after which the run drains; undefined = until told to stop. */
  readonly runForMs: number | undefined;
  /** Variables that a platform injected and that are ignored: worth one log line. */
  readonly ignored: readonly string[];
  /** The configuration file that was read; undefined where there is none. */
  readonly file: string | undefined;
  /** What was written for a key, and where. */
  readonly said: (path: Path) => Said;
};

/** In the form of config.yaml; the default where nothing was written. */
export type Said = { readonly value: unknown; readonly place: Place };

/** Read from the working directory when no other file is named; may be missing. */
const DEFAULT_FILE = 'config.yaml';

/**
 * Defaults < config.yaml < environment < command line.
 * @throws MdpError `config`, a line for each problem
 */
export function loadConfig(request: LoadRequest): LoadedConfig {
  const { env, overrides = {}, readFile = readTextFile } = request;
  const file = fileLayer(overrides.config, readFile);
  const environment = readEnvironment(env, readFile);
  const below = new Map([...file.settings, ...environment.settings]);
  const flags = overriddenSources(overrides, below.get('sources'));
  const layers: readonly Layer[] = [file, environment, flags];
  const merged: Merged = {
    settings: new Map([...below, ...flags.settings]),
    unsound: new Set(layers.flatMap(({ unsound }) => [...unsound])),
    problems: layers.flatMap(({ problems }) => [...problems]),
  };
  addDefaultSource(merged, request.requireSources ?? false);
  const runForMs = runTime(overrides, merged.problems);
  const config = settled(merged);
  const said = (path: Path): Said => saidAt(merged.settings, path);
  return { config, runForMs, ignored: environment.ignored, file: file.name, said };
}

type Merged = {
  readonly settings: Map<string, Setting>;
  readonly unsound: ReadonlySet<string>;
  readonly problems: Problem[];
};

function fileLayer(
  named: string | undefined,
  readFile: ReadFile,
): Layer & { name: string | undefined } {
  const name = named ?? DEFAULT_FILE;
  try {
    return { ...readConfigFile(readFile(name), name), name };
  } catch (error) {
    const code = errorCode(error);
    if (named === undefined && code === 'ENOENT') return { ...emptyLayer, name: undefined };
    const place: Place = { kind: 'file', file: name, line: 1, column: 1 };
    const problem = { place, key: '', text: `cannot be read (${code}); give the path of a file` };
    return { ...emptyLayer, problems: [problem], name };
  }
}

const emptyLayer: Layer = { settings: new Map(), unsound: new Set(), problems: [] };

/** Without sources, made-up data goes to the embedded database only: a server is not littered with it. */
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

const NO_SOURCES = `nothing to listen to is configured, and made-up data is not written to a PostgreSQL server.
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
