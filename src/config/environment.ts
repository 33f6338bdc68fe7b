import { type Setting, shown } from './check-leaf.ts';
import { type Layer, soundLayer } from './config-file.ts';
import { itemOf, type Schema, unwrapped } from './describe.ts';
import { readDocument } from './document.ts';
import { isListOfMaps, type Leaf, leafByKey, leaves } from './leaves.ts';
import { errorCode, type ReadFile } from './files.ts';
import { nearest } from './nearest.ts';
import { type Place, placeText } from './place.ts';
import type { Problem } from './problem.ts';
import { isSecret, secrets } from './secrets.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type EnvironmentLayer = Layer & {
  /** Variables that a platform puts in, by name; they say nothing to us. */
  readonly ignored: readonly string[];
};

type Reading = { readonly said: Map<Leaf, Setting>; readonly problems: Problem[] };

/** What Kubernetes and CI systems inject for a service or workspace that is called `pipeline`. */
const injected = /^PIPELINE_(WORKSPACE|PORT|PORT_.*|.*SERVICE_HOST|.*SERVICE_PORT.*)$/;

/** `_FILE` behind a secret's variable: the file that has the value. */
const IN_FILE = '_FILE';

const leafByVariable: ReadonlyMap<string, Leaf> = new Map(
  leaves.filter(({ key }) => !isSecret(key)).map((leaf) => [leaf.variable, leaf]),
);

const secretVariables = secrets.flatMap(({ variables }) =>
  variables.flatMap((name) => [name, `${name}${IN_FILE}`]),
);

/** Every variable that is read, secrets' included. */
export const variables: readonly string[] = [...secretVariables, ...leafByVariable.keys()];

/** Reads `PIPELINE_*` and the secrets' variables. Empty is unset. Never throws. */
export function readEnvironment(env: Environment, readFile: ReadFile): EnvironmentLayer {
  const reading: Reading = { said: new Map(), problems: [] };
  const ignored: string[] = [];
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name]?.trim() ?? '';
    if (text === '' || !name.startsWith('PIPELINE_')) continue;
    const leaf = leafByVariable.get(name);
    if (leaf !== undefined) sayText(leaf, name, text, reading);
    else if (secretVariables.includes(name)) continue;
    else if (injected.test(name)) ignored.push(name);
    else reading.problems.push(unknownVariable(name));
  }
  saySecrets(env, readFile, reading);
  return { ...soundLayer(reading.said, reading.problems), ignored };
}

/**
 * A value written as text, as config.yaml would have it: numbers, truth values and lists become
 * such.
 */
function fromText(schema: Schema, text: string): unknown {
  const item = itemOf(schema);
  if (item !== undefined) return text.split(',').map((part) => fromText(item, part.trim()));
  const { type } = unwrapped(schema);
  if (type === 'boolean') return truths.get(text) ?? text;
  return type === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

function sayText(leaf: Leaf, name: string, text: string, { said, problems }: Reading): void {
  const place: Place = { kind: 'variable', name };
  if (serviceLink.test(text)) {
    problems.push({ place, key: leaf.key, text: SERVICE_LINK });
    return;
  }
  if (!isListOfMaps(leaf.schema)) {
    said.set(leaf, { value: fromText(leaf.schema, text), place: () => place });
    return;
  }
  const document = readDocument(text, () => place);
  problems.push(...document.problems);
  if (document.problems.length === 0) said.set(leaf, { value: document.value, place: () => place });
}

/**
 * `PIPELINE_HTTP_PORT=tcp://10.0.0.7:80` is what Kubernetes makes of a Service that is called
 * `pipeline-http`.
 */
const serviceLink = /^(tcp|udp|sctp):\/\//;
const SERVICE_LINK =
  'found the address of a Kubernetes Service; set enableServiceLinks: false in the pod';

function unknownVariable(name: string): Problem {
  const meant = nearest(name, variables);
  const question = meant === undefined ? '' : ` did you mean ${meant}?`;
  const text = `unknown variable;${question} \`mdp config\` and docs/configuration.md list all`;
  return { place: { kind: 'variable', name }, key: '', text };
}

/** The same secret may be said in several places only if they agree. */
function saySecrets(env: Environment, readFile: ReadFile, { said, problems }: Reading): void {
  for (const secret of secrets) {
    const leaf = leafByKey.get(secret.key);
    if (leaf === undefined) continue;
    const found = secret.variables.flatMap((name) =>
      secretsOf(leaf, name, env, readFile, problems),
    );
    const [first, ...others] = found;
    if (first === undefined) continue;
    said.set(leaf, { value: first.value, place: () => first.place });
    for (const other of others) {
      if (JSON.stringify(other.value) === JSON.stringify(first.value)) continue;
      const text = `says another value than ${placeText(first.place)}; keep one of the two`;
      problems.push({ place: other.place, key: leaf.key, text });
    }
  }
}

type Said = { readonly value: unknown; readonly place: Place };

/** What a secret's variable and its `_FILE` say. */
function secretsOf(
  leaf: Leaf,
  name: string,
  env: Environment,
  readFile: ReadFile,
  problems: Problem[],
): readonly Said[] {
  const found: Said[] = [];
  const text = env[name]?.trim() ?? '';
  if (text !== '') {
    found.push({ value: fromText(leaf.schema, text), place: { kind: 'variable', name } });
  }
  const file = env[name + IN_FILE]?.trim() ?? '';
  if (file === '') return found;
  const place: Place = { kind: 'variable', name: name + IN_FILE };
  const lines = linesOf(file, readFile);
  if (typeof lines === 'string') problems.push({ place, key: leaf.key, text: lines });
  else found.push({ value: itemOf(leaf.schema) === undefined ? lines.join('\n') : lines, place });
  return found;
}

/** The lines of a secret's file that are not empty, or what is wrong with it. */
function linesOf(file: string, readFile: ReadFile): readonly string[] | string {
  try {
    const lines = readFile(file)
      .split(/\r?\n/)
      .map((line) => line.trim());
    const full = lines.filter((line) => line !== '');
    return full.length > 0 ? full : `the file ${shown(file)} is empty`;
  } catch (error) {
    // Nothing is lost: the configuration is refused with the reason.
    // What does not look like a path may be the secret itself.
    const which = /^\.{0,2}\//.test(file) ? `the file ${shown(file)}` : 'the file that it names';
    return `cannot read ${which} (${errorCode(error)})`;
  }
}
