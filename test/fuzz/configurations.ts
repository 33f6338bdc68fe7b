/** Configurations of every kind, and what there is to complain of when one is read. */
import fc from 'fast-check';
import { stringify } from 'yaml';
import { leaves } from '../../src/config/leaves.ts';
import { shippedConfig } from '../../src/config/shipped.ts';

export type Configuration = {
  /** Of config.yaml. */
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
};

/** Stands in every secret; whatever else is said of it, this must not be. */
const CANARY = 'canary';

const word = fc.constantFrom(
  ...new Set(leaves.flatMap(({ path }) => [...path])),
  'type',
  'symbols',
  '__proto__',
  'constructor',
);
const scalar = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.constantFrom('coinbase', 'synthetic', 'replay', '4MiB', '7d', 'keep', 'block'),
);
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, fc.string()), tie('node'), { maxKeys: 5 }),
  ),
})).node;

/** Known and unknown keys with anything under them. */
const trees = fc.dictionary(word, tree).map((root) => stringify(root));

const text = fc.string({
  unit: fc.constantFrom(...Array.from('a1:-[]{}"\'#&*!|>%@`,?~ \n\t\u0000é')),
});

/** The shipped file with a piece cut out or put in. */
const torn = fc
  .tuple(fc.nat({ max: shippedConfig.length }), fc.nat({ max: 80 }), fc.string())
  .map(([at, length, put]) => shippedConfig.slice(0, at) + put + shippedConfig.slice(at + length));

const aliases = (levels: number): string => {
  const above = Array.from({ length: levels }, (_, at) => {
    const nine = `*a${at},`.repeat(9);
    return `a${at + 1}: &a${at + 1} [${nine}]\n`;
  });
  return `a0: &a0 [x]\n${above.join('')}sources: *a${levels}\n`;
};
const nested = (open: string, depth: number): string => `sources: ${open.repeat(depth)}`;
const manyKeys = (count: number): string =>
  Array.from({ length: count }, (_, at) => `k${at}: 1\n`).join('');

const OPEN = ['[', '{a: ', '- ', '? '] as const;

/** What grows in the reading, at its largest. */
export const worst: readonly string[] = [
  ...OPEN.map((open) => nested(open, 20_000)),
  aliases(30),
  manyKeys(20_000),
  `log: { level: [${'x,'.repeat(50_000)}] }`,
  'x'.repeat(2 ** 21),
];

const bombs = fc.oneof(
  fc.integer({ min: 2, max: 12 }).map(aliases),
  fc
    .tuple(fc.constantFrom(...OPEN), fc.integer({ min: 20, max: 200 }))
    .map(([open, depth]) => nested(open, depth)),
  fc.integer({ min: 10, max: 200 }).map(manyKeys),
  fc.integer({ min: 1000, max: 20_000 }).map((length) => `log: { level: ${'x'.repeat(length)} }`),
  fc.constantFrom(
    'sources: !!js/function "function(){}"',
    'http: !!binary AAAA',
    'a: &a { <<: *a }',
    'pipeline: { batch_size: 1, batch_size: 2 }',
    '%YAML 9.9\n---\nhttp: {}\n---\nlog: {}\n',
    '\ufeffhttp: { port: 0 }',
    '? { http: 1 }\n: 2\n',
  ),
);

const variable = fc.oneof(
  fc.constantFrom(...leaves.map((leaf) => leaf.variable)),
  fc.string().map((name) => `PIPELINE_${name}`),
);
const secret = fc.constantFrom('DATABASE_URL', 'API_KEY', 'PIPELINE_HTTP_API_KEYS');
const secretText = fc
  .tuple(fc.constantFrom('', 'postgres://u:', 'postgres://', 'a b '), fc.string())
  .map(([before, after]) => `${before}${CANARY}@${after}`);
const variables = fc
  .tuple(fc.dictionary(variable, fc.string()), fc.dictionary(secret, secretText))
  .map(([said, hidden]) => ({ ...said, ...hidden }));

const fileOnly = (yaml: string): Configuration => ({ yaml, env: {} });

export const configurations: fc.Arbitrary<Configuration> = fc.oneof(
  { arbitrary: trees.map(fileOnly), weight: 3 },
  { arbitrary: text.map(fileOnly), weight: 3 },
  { arbitrary: torn.map(fileOnly), weight: 3 },
  { arbitrary: bombs.map(fileOnly), weight: 1 },
  { arbitrary: variables.map((env) => ({ yaml: '', env })), weight: 3 },
);

/** Of processor time, as the machine may be busy. Most take a millisecond. */
const SLOW_MS = 10_000;

/**
 * What is wrong with how a configuration was read: not that it is refused, but that reading it
 * crashes, takes for ever, says a secret, or names no place. `refuse` gives the lines that refuse
 * it, none where it is taken.
 */
export const complaintsOf = (
  configuration: Configuration,
  refuse: (configuration: Configuration) => readonly string[],
  slowMs = SLOW_MS,
): readonly string[] => {
  const began = process.cpuUsage();
  try {
    const lines = refuse(configuration);
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1000;
    return [...(took > slowMs ? [`took ${Math.round(took)} ms`] : []), ...badLines(lines)];
  } catch (error) {
    return [`crashes: ${error instanceof Error ? error.stack : String(error)}`];
  }
};

/** Where a problem was said: a line of the file, a variable, a default. */
const PLACED = /^(config\.yaml:\d+:\d+|[A-Z_][^:]*|default|the default)\b/;

const badLines = (lines: readonly string[]): readonly string[] => {
  const said = lines.join('\n');
  const first = lines.find((line) => line.trim() !== '');
  return [
    ...(said.includes(CANARY) ? [`says a secret: ${said}`] : []),
    ...(/\bundefined\b|\[object/.test(said) ? [`says nothing: ${said}`] : []),
    ...(first === undefined || PLACED.test(first) ? [] : [`names no place: ${first}`]),
  ];
};
