/**
 * The standard `OTEL_` variables that concern traces:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/ (read 2026-11-27). Empty is unset; a
 * `TRACES` variable comes before its general one. What is wrong is refused as everything else that
 * is configured, and no value is shown, as addresses and headers hold credentials.
 */
import { SAMPLERS, type TracingOptions } from '../runtime/tracing-options.ts';
import type { Environment } from './environment.ts';
import { errorCode, type ReadFile } from './files.ts';
import type { Problem } from './problem.ts';

const EXPORTER = 'OTEL_EXPORTER_OTLP_';
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const DEFAULT_SERVICE = 'mdp';
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const COMPRESSIONS = ['none', 'gzip'] as const;

/** A variable that is set. */
type Said = { readonly name: string; readonly text: string };

type Reading = {
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly problems: Problem[];
};

/**
 * What they say; undefined where they switch tracing off (`OTEL_SDK_DISABLED`,
 * `OTEL_TRACES_EXPORTER=none`). Wrong ones are added to `problems`.
 */
export function readOtel(
  env: Environment,
  readFile: ReadFile,
  problems: Problem[],
): TracingOptions | undefined {
  const reading: Reading = { env, readFile, problems };
  const exporter = oneOf(reading, ['OTEL_TRACES_EXPORTER'], ['otlp', 'none'], 'otlp');
  const disabled = said(reading, 'OTEL_SDK_DISABLED')?.text.toLowerCase() === 'true';
  if (disabled || exporter === 'none') return undefined;
  return {
    url: urlOf(reading),
    protocol: oneOf(reading, exporterNames('PROTOCOL'), PROTOCOLS, 'http/protobuf'),
    headers: { ...pairs(reading, `${EXPORTER}HEADERS`), ...pairs(reading, tracesName('HEADERS')) },
    timeoutMs: whole(reading, exporterNames('TIMEOUT'), 10_000),
    compression: oneOf(reading, exporterNames('COMPRESSION'), COMPRESSIONS, 'none'),
    tls: {
      ca: fileText(reading, exporterNames('CERTIFICATE')),
      cert: fileText(reading, exporterNames('CLIENT_CERTIFICATE')),
      key: fileText(reading, exporterNames('CLIENT_KEY')),
    },
    resource: resourceOf(reading),
    sampler: oneOf(reading, ['OTEL_TRACES_SAMPLER'], SAMPLERS, 'parentbased_always_on'),
    ratio: ratioOf(reading),
    maxQueueSize: whole(reading, ['OTEL_BSP_MAX_QUEUE_SIZE'], 2048),
    maxExportBatchSize: whole(reading, ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 512),
    scheduleDelayMs: whole(reading, ['OTEL_BSP_SCHEDULE_DELAY'], 5000),
    exportTimeoutMs: whole(reading, ['OTEL_BSP_EXPORT_TIMEOUT'], 30_000),
  };
}

const tracesName = (ending: string): string => `${EXPORTER}TRACES_${ending}`;

const exporterNames = (ending: string): readonly string[] => [
  tracesName(ending),
  `${EXPORTER}${ending}`,
];

function said({ env }: Reading, ...names: readonly string[]): Said | undefined {
  for (const name of names) {
    const text = env[name]?.trim() ?? '';
    if (text !== '') return { name, text };
  }
  return undefined;
}

function refuse({ problems }: Reading, name: string, text: string): void {
  problems.push({ place: { kind: 'variable', name }, key: '', text });
}

/** The traces' own endpoint is taken as it stands, the general one is where `v1/traces` lies. */
function urlOf(reading: Reading): string {
  const own = said(reading, tracesName('ENDPOINT'));
  const general = said(reading, `${EXPORTER}ENDPOINT`);
  const { name, text } = own ?? general ?? { name: '', text: DEFAULT_ENDPOINT };
  const url = own === undefined ? `${text.replace(/\/+$/, '')}/v1/traces` : text;
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:') {
    refuse(reading, name, 'not an http:// or https:// address');
  }
  return url;
}

function oneOf<Name extends string>(
  reading: Reading,
  names: readonly string[],
  allowed: readonly Name[],
  usual: Name,
): Name {
  const found = said(reading, ...names);
  if (found === undefined) return usual;
  const meant = allowed.find((name) => name === found.text.toLowerCase());
  if (meant === undefined) refuse(reading, found.name, `allowed: ${allowed.join(', ')}`);
  return meant ?? usual;
}

function whole(reading: Reading, names: readonly string[], usual: number): number {
  const found = said(reading, ...names);
  if (found === undefined) return usual;
  const value = Number(found.text);
  if (/^\d{1,9}$/.test(found.text) && value > 0) return value;
  refuse(reading, found.name, 'allowed: a whole number from 1 to 999999999');
  return usual;
}

function ratioOf(reading: Reading): number {
  const found = said(reading, 'OTEL_TRACES_SAMPLER_ARG');
  if (found === undefined) return 1;
  const value = Number(found.text);
  if (value >= 0 && value <= 1) return value;
  refuse(reading, found.name, 'allowed: a number from 0 to 1');
  return 1;
}

function resourceOf(reading: Reading): Readonly<Record<string, string>> {
  const service = said(reading, 'OTEL_SERVICE_NAME')?.text;
  const attributes = pairs(reading, 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    'service.name': DEFAULT_SERVICE,
    ...attributes,
    ...(service === undefined ? {} : { 'service.name': service }),
  };
}

/** `key=value,key=value`, values percent-encoded. */
function pairs(reading: Reading, name: string): Readonly<Record<string, string>> {
  const found = said(reading, name);
  if (found === undefined) return {};
  const entries = found.text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(pairOf);
  const sound = entries.filter((entry) => entry !== undefined);
  if (sound.length < entries.length) {
    refuse(reading, name, 'allowed: key=value,key=value with values percent-encoded');
  }
  return Object.fromEntries(sound);
}

function pairOf(part: string): readonly [key: string, value: string] | undefined {
  const at = part.indexOf('=');
  const key = part.slice(0, Math.max(at, 0)).trim();
  const value = decoded(part.slice(at + 1).trim());
  return key === '' || value === undefined ? undefined : [key, value];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded: the variable is refused, and named.
    return undefined;
  }
}

function fileText(reading: Reading, names: readonly string[]): string | undefined {
  const found = said(reading, ...names);
  if (found === undefined) return undefined;
  try {
    return reading.readFile(found.text);
  } catch (error) {
    // Nothing is lost: the configuration is refused with the reason.
    refuse(reading, found.name, `cannot read the file (${errorCode(error)})`);
    return undefined;
  }
}
