import * as v from 'valibot';

/** `log.*`: how much is told, and in what form. */
export const logSettings = v.strictObject({
  level: v.optional(
    v.pipe(
      v.picklist(['debug', 'info', 'warn', 'error']),
      v.description('least level that is written'),
    ),
    'info',
  ),
  format: v.optional(
    v.pipe(
      v.picklist(['json', 'text']),
      v.description('JSON lines, or readable text; where unset: text on a terminal, else JSON'),
    ),
  ),
});

/** `telemetry.*`: metrics and traces. */
export const telemetrySettings = v.strictObject({
  enable_metrics: v.optional(
    v.pipe(v.boolean(), v.description('whether /metrics is served')),
    true,
  ),
  enable_tracing: v.optional(
    v.pipe(
      v.boolean(),
      v.description('a trace per batch, by OTLP over HTTP, as the OTEL_ variables say'),
    ),
    false,
  ),
  metrics_port: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(65_535),
      v.description(
        'a second listener with metrics and health only, unless http.port; 0 = a free one',
      ),
    ),
  ),
});
