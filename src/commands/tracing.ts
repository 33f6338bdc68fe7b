import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { DeliveringTracer } from '../runtime/spans.ts';
import type { TracingOptions } from '../runtime/tracing-options.ts';
import { BUILD } from './build-info.ts';

/** A collector that is not there is worth a line a minute. */
const SAY_EVERY_MS = 60_000;

/** The tracer, and the library behind it: loaded only where tracing is on. */
export const openTracer = async (
  options: TracingOptions | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<DeliveringTracer | undefined> => {
  if (options === undefined) return undefined;
  const { createOtlpTracer } = await import('../runtime/otlp-tracer.ts');
  const limited = new RateLimitedLog(log, clock, SAY_EVERY_MS);
  return createOtlpTracer(options, { clock, log: limited, version: BUILD.version });
};
