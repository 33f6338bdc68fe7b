import type * as v from 'valibot';
import type { Camel } from './camel.ts';
import type { configSchema } from './schema.ts';

/**
 * The effective configuration, frozen. Key `pipeline.batch_size` of config.yaml is
 * `config.pipeline.batchSize`; sizes are bytes, spans of time milliseconds, whatever form they were
 * written in. `load.ts` makes it.
 */
export type Config = Camel<v.InferOutput<typeof configSchema>>;

/** One entry of `sources`, its name possibly missing. */
export type SourceConfig = Config['sources'][number];
