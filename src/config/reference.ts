import { byteSizeText } from '../runtime/quantities.ts';
import {
  allowed,
  defaultOf,
  descriptionOf,
  entriesOf,
  itemOf,
  type Schema,
  takesSizeText,
  variantsOf,
} from './describe.ts';
import { isListOfMaps, type Leaf, leaves } from './leaves.ts';
import { secrets } from './secrets.ts';

/**
 * docs/configuration.md, made from the settings' schemas. `bun src/config/reference.ts >
 * docs/configuration.md`
 */
export function reference(): string {
  const sections = Map.groupBy(
    leaves.filter(({ schema }) => !isListOfMaps(schema)),
    ({ path }) => path[0],
  );
  const tables = [...sections].map(([section, settings]) =>
    [`## ${section ?? ''}`, table(SETTING_HEAD, settings.map(settingRow))].join('\n\n'),
  );
  const lists = leaves.filter(({ schema }) => isListOfMaps(schema)).map(listSection);
  return `${[HEAD, ...lists, ...tables].join('\n\n')}\n`;
}

const HEAD = `# Configuration

<!-- Made from src/*/settings.ts: bun src/config/reference.ts > docs/configuration.md -->

Defaults < \`config.yaml\` < environment < command line. \`mdp config\` prints what is in force
and who said each value, \`mdp check\` everything that is wrong or unwise, \`mdp config
--default\` a commented file to start from.

* The file is \`./config.yaml\`, or what \`--config\` names, which then must exist. YAML 1.2;
  numbers and truth values are written without quotes. A section without keys is empty; a key
  without a value is an error.
* Sizes are integers of bytes or like \`512KiB\`, \`4MiB\`, \`1GB\`; times like \`250ms\`,
  \`30s\`, \`5m\`, \`12h\`, \`7d\`, \`2w\`; keys that end in \`_ms\` are integers of
  milliseconds.
* In the environment lists are separated by commas, \`PIPELINE_SOURCES\` is JSON, and empty is
  unset.
* An unknown key, variable or value refuses to start (exit code 2), naming file, line and column
  or variable, what was found, what is allowed, and the nearest valid name. All problems are
  told at once.
* Variables that platforms inject for a service or workspace called \`pipeline\`
  (\`PIPELINE_WORKSPACE\`, \`PIPELINE_PORT\`, \`PIPELINE_PORT_*\`, \`PIPELINE_*SERVICE_HOST\`,
  \`PIPELINE_*SERVICE_PORT*\`) are ignored with one log line.
* With tracing on the standard \`OTEL_\` variables are read too: docs/operations.md, Tracing.
* \`--source\` picks a configured source by name or type, or makes one of a type; \`--symbols\`
  names its symbols.
* Without sources, \`run\` makes data up (\`synthetic\`) if the database is SQLite; with
  PostgreSQL it exits with 2.

Secrets are better kept out of the file. Each variable below also exists with \`_FILE\` behind
it and then names a file (of API keys: one a line). The same secret from two variables or files
with different values is an error.

${secrets.map(secretText).join('\n')}`;

function secretText({ key, variables }: (typeof secrets)[number]): string {
  return `* ${code(key)}: ${variables.map(code).join(' or ')}`;
}

const SETTING_HEAD = ['key', 'environment', 'default', 'allowed', 'meaning'];
const FIELD_HEAD = ['key', 'default', 'allowed', 'meaning'];

function settingRow(leaf: Leaf): readonly string[] {
  const names = secrets.find(({ key }) => key === leaf.key)?.variables ?? [leaf.variable];
  return [code(leaf.key), names.map(code).join(', '), ...describedBy(leaf.schema)];
}

/** A list of maps: a table for each kind that its items may be of. */
function listSection({ key, schema, variable }: Leaf): string {
  const item = itemOf(schema);
  const kinds = new Map<Schema, string[]>();
  for (const [name, kind] of (item === undefined ? undefined : variantsOf(item)?.byName) ?? []) {
    kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
  }
  const tables = [...kinds].flatMap(([kind, names]) => [
    `### ${names.map((name) => `\`type: ${name}\``).join(', ')}`,
    table(
      FIELD_HEAD,
      [...(entriesOf(kind) ?? [])].map(([name, field]) => [code(name), ...describedBy(field)]),
    ),
  ]);
  return [`## ${key}`, `A list, one entry a source; ${code(variable)} as JSON.`, ...tables].join(
    '\n\n',
  );
}

/** Default, what is allowed, and what it is for. */
function describedBy(schema: Schema): readonly string[] {
  return [defaultText(schema), cell(allowed(schema)), cell(sentence(descriptionOf(schema)))];
}

function defaultText(schema: Schema): string {
  const value = defaultOf(schema);
  if (value === undefined) return schema.type === 'optional' ? '–' : 'required';
  if (Array.isArray(value)) return code(`[${value.join(', ')}]`);
  if (typeof value === 'number' && takesSizeText(schema)) return code(byteSizeText(value));
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/\.$/, '');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A vertical bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) process.stdout.write(reference());
