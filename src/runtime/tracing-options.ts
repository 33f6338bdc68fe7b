/** What the standard `OTEL_` variables say of traces, defaults filled in. */
export type TracingOptions = {
  /** Where spans are posted; may hold credentials, and is never shown. */
  readonly url: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  /** May hold credentials, and are never shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  /** PEM texts. */
  readonly tls: {
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
  /** With `service.name`. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  /** Of traces that a ratio sampler keeps, from 0 to 1. */
  readonly ratio: number;
  /** Spans that wait for export, those under way included; beyond it traces are dropped whole. */
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
};

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type SamplerName = (typeof SAMPLERS)[number];
