import type { Config, SourceConfig } from './config.ts';
import { defaultOf } from './describe.ts';
import { leafByKey } from './leaves.ts';
import type { LoadedConfig } from './load.ts';
import { type Path, pathText } from './place.ts';
import type { Fault } from './rules.ts';

/** What is possible and unwise: said by `mdp check`, never refused. */
export function advice(loaded: LoadedConfig): readonly Fault[] {
  const { config } = loaded;
  const changed = (path: Path): boolean => isChanged(path, loaded);
  return [
    ...batchAdvice(config),
    ...pacingAdvice(config),
    ...policyAdvice(config),
    ...databaseAdvice(config, changed),
    ...httpAdvice(config),
    ...sourceAdvice(config),
  ];
}

/** Whether something else than the default was asked for. */
function isChanged(path: Path, { said }: LoadedConfig): boolean {
  const leaf = leafByKey.get(pathText(path));
  const usual = leaf === undefined ? undefined : defaultOf(leaf.schema);
  return JSON.stringify(said(path).value) !== JSON.stringify(usual);
}

function* batchAdvice({ pipeline, pacing, queues }: Config): Generator<Fault> {
  const { maxMsgsPerSec, burst } = pacing.budget;
  const admitted = Math.max((maxMsgsPerSec * pipeline.flushMs) / 1000, burst);
  if (maxMsgsPerSec > 0 && admitted < pipeline.batchSize) {
    const text = `at ${maxMsgsPerSec} frames a second batches are only ever cut by age`;
    yield { path: ['pipeline', 'batch_size'], text };
  }
  if (pipeline.maxBytes > queues.maxMemoryBytes) {
    const text = 'more than queues.max_memory_bytes: no batch can grow to it';
    yield { path: ['pipeline', 'max_bytes'], text };
  }
  if (pipeline.drainMs <= pipeline.flushMs) {
    const text = 'not more than pipeline.flush_ms: the last batch may be left behind';
    yield { path: ['pipeline', 'drain_ms'], text };
  }
}

function* pacingAdvice({ pacing }: Config): Generator<Fault> {
  const { maxMsgsPerSec, burst } = pacing.budget;
  if (burst > 0 && maxMsgsPerSec === 0) {
    const text = 'does nothing without pacing.budget.max_msgs_per_sec, which is 0 (unlimited)';
    yield { path: ['pacing', 'budget', 'burst'], text };
  }
}

function* policyAdvice({ sink, telemetry, http }: Config): Generator<Fault> {
  if (sink.backpressurePolicy !== 'block') {
    const text = 'trades and quotes are given up while the database is slow; block loses none';
    yield { path: ['sink', 'backpressure_policy'], text };
  }
  if (telemetry.metricsPort !== undefined && !telemetry.enableMetrics) {
    const text = 'serves health only, as telemetry.enable_metrics is false';
    yield { path: ['telemetry', 'metrics_port'], text };
  }
  if (http.protectMetrics && http.apiKeys.length === 0) {
    const text = 'without http.api_keys (API_KEY) health and metrics answer on loopback only';
    yield { path: ['http', 'protect_metrics'], text };
  }
}

const POSTGRES_ONLY = ['schema', 'sslmode', 'ssl_ca', 'retention', 'compress_after'];

/** Modes that look at the server's certificate, require where a CA is named. */
const PROVING: ReadonlySet<string> = new Set(['require', 'verify-ca', 'verify-full']);

function* databaseAdvice(
  { database, sink }: Config,
  changed: (path: Path) => boolean,
): Generator<Fault> {
  if (database.url.startsWith('sqlite:')) {
    for (const key of POSTGRES_ONLY.filter((name) => changed(['database', name]))) {
      yield { path: ['database', key], text: 'does nothing with SQLite' };
    }
    if (changed(['sink', 'workers']) && sink.workers > 1) {
      yield { path: ['sink', 'workers'], text: 'SQLite has one writer: one worker is used' };
    }
    return;
  }
  const mode = database.sslmode ?? /[?&]sslmode=([^&#]*)/.exec(database.url)?.[1];
  if (database.sslCa !== undefined && !PROVING.has(mode ?? '')) {
    const text = 'is used with sslmode require, verify-ca or verify-full only';
    yield { path: ['database', 'ssl_ca'], text };
  }
  if (database.retention !== 'keep' && database.compressAfter >= database.retention) {
    const text = 'not less than database.retention: nothing is ever compressed';
    yield { path: ['database', 'compress_after'], text };
  }
}

/** Shorter keys can be guessed. */
const WEAK_KEY = 16;

function* httpAdvice({ http }: Config): Generator<Fault> {
  if (http.apiKeys.some((key) => key.length < WEAK_KEY)) {
    const text = `a key has fewer than ${WEAK_KEY} characters: it can be guessed`;
    yield { path: ['http', 'api_keys'], text };
  }
  const loopback = /^(127\.|localhost$|::1$)/.test(http.host);
  if (!loopback && http.apiKeys.length === 0) {
    const text = 'without http.api_keys (API_KEY) /status and the like answer on loopback only';
    yield { path: ['http', 'host'], text };
  }
  if (!loopback && http.apiKeys.length > 0 && http.tls.cert === undefined) {
    const text = 'without it API keys cross the network in clear, unless a proxy ends TLS';
    yield { path: ['http', 'tls', 'cert'], text };
  }
}

function* sourceAdvice({ sources, database }: Config): Generator<Fault> {
  const takers = new Map<string, number>();
  for (const [index, source] of sources.entries()) {
    if (takes(source, 'quotes') && !database.store.includes('quotes')) {
      const text = 'quotes are taken and not stored (database.store)';
      yield { path: ['sources', index, 'channels'], text };
    }
    for (const symbol of 'connections' in source ? source.symbols : []) {
      const instrument = `${source.type} ${symbol}`;
      const other = takers.get(instrument) ?? index;
      takers.set(instrument, other);
      if (other === index) continue;
      const text = `${instrument} is taken by sources[${other}] too; connections: 2 does it in one`;
      yield { path: ['sources', index, 'symbols'], text };
    }
  }
}

function takes(source: SourceConfig, channel: 'trades' | 'quotes'): boolean {
  return 'channels' in source && source.channels.includes(channel);
}
