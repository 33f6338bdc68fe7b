/**
 * Traces by OTLP over HTTP, with OpenTelemetry's SDK. Loaded only where tracing is on: nothing else
 * of the program may import this file but by `import()`. It promises that giving it a trace takes
 * no time but that of making spans; what waits is bounded, and what is dropped is counted. A
 * collector that is away or hangs costs its spans and nothing else.
 */
import {
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as Api,
} from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Clock } from './clock.ts';
import type { RateLimitedLog } from './rate-limited-log.ts';
import type { DeliveringTracer, Span, SpanCounts } from './spans.ts';
import type { SamplerName, TracingOptions } from './tracing-options.ts';

/** What the end of the program waits for a collector: one that answered last, or did not. */
const LAST_EXPORT_MS = 3000;
const LAST_TRY_MS = 200;

export type TracerSurroundings = {
  readonly clock: Clock;
  readonly log: RateLimitedLog;
  /** Of the program. */
  readonly version: string;
};

export const createOtlpTracer = (
  options: TracingOptions,
  { clock, log, version }: TracerSurroundings,
): DeliveringTracer => {
  const counts: SpanCounts = { exported: 0, queueFull: 0, undelivered: 0 };
  const delivery = { counts, log, failing: false };
  const { maxQueueSize } = options;
  const processor = new BatchSpanProcessor({
    exporter: counting(exporterOf(options), delivery),
    maxQueueSize,
    maxExportBatchSize: Math.min(options.maxExportBatchSize, maxQueueSize),
    scheduledDelayMillis: options.scheduleDelayMs,
    exportTimeoutMillis: options.exportTimeoutMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.version': version, ...options.resource }),
    sampler: samplerOf(options.sampler, options.ratio),
    spanProcessors: [processor],
  });
  const api = provider.getTracer('mdp', version);
  let given = 0;
  const waiting = (): number => given - counts.exported - counts.undelivered;
  const patienceMs = (): number => (delivery.failing ? LAST_TRY_MS : LAST_EXPORT_MS);
  return {
    counts,
    trace: (root) => {
      const began = startSpan(api, root, ROOT_CONTEXT);
      if (!began.isRecording()) return;
      const size = sizeOf(root);
      if (waiting() + size > maxQueueSize) {
        counts.queueFull += size;
        return;
      }
      given += size;
      endSpan(api, began, root);
    },
    close: async () => {
      await Promise.race([
        provider.shutdown(),
        new Promise<void>((resolve) => clock.after(patienceMs(), resolve)),
      ]).catch(ignoreCounted);
      if (waiting() > 0) log.say('spans left', 'warn', 'Spans were left', { spans: waiting() });
    },
  };
};

/** The exporter's own callback has counted and told it. */
const ignoreCounted = (): void => undefined;

type Begun = ReturnType<Api['startSpan']>;

const startSpan = (api: Api, span: Span, parent: Context): Begun =>
  api.startSpan(
    span.name,
    {
      kind: span.isCall === true ? SpanKind.CLIENT : SpanKind.INTERNAL,
      startTime: hrTime(span.from),
      attributes: { ...span.attributes },
    },
    parent,
  );

const endSpan = (api: Api, began: Begun, { children, failure, to }: Span): void => {
  const within = trace.setSpan(ROOT_CONTEXT, began);
  for (const child of children) endSpan(api, startSpan(api, child, within), child);
  if (failure !== undefined) began.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  began.end(hrTime(to));
};

const sizeOf = ({ children }: Span): number =>
  children.reduce((sum, child) => sum + sizeOf(child), 1);

/** Seconds and nanoseconds. */
const hrTime = (micros: number): [number, number] => [
  Math.floor(micros / 1_000_000),
  (micros % 1_000_000) * 1000,
];

/** With every option given, so that the library has nothing to ask of the environment. */
const exporterOf = (options: TracingOptions): SpanExporter => {
  const { url, headers, timeoutMs, compression, protocol } = options;
  const { ca, cert, key } = options.tls;
  const Exporter = protocol === 'http/json' ? JsonExporter : ProtobufExporter;
  return new Exporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    compression: compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
    httpAgentOptions: {
      keepAlive: true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  });
};

type Delivery = {
  readonly counts: SpanCounts;
  readonly log: RateLimitedLog;
  /** The last export failed. */
  failing: boolean;
};

/** Counts what became of spans, and says when some were lost, by code: messages quote answers. */
const counting = (exporter: SpanExporter, delivery: Delivery): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      const { counts, log } = delivery;
      delivery.failing = result.error !== undefined;
      if (result.error === undefined) counts.exported += spans.length;
      else {
        counts.undelivered += spans.length;
        log.say('spans', 'warn', 'The collector did not take spans: dropped', {
          spans: spans.length,
          reason: reasonOf(result.error),
        });
      }
      done(result);
    }),
  shutdown: () => exporter.shutdown(),
});

/** An HTTP status or errno, where there is one. */
const reasonOf = (error: Error): string => {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? `${code}` : 'no answer in time';
};

const samplerOf = (name: SamplerName, ratio: number): Sampler => {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
};
