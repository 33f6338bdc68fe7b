import type * as v from 'valibot';
import type { Camel } from './camel.ts';
import type { configSchema } from './schema.ts';

/** The effective configuration: `pipeline.batch_size` of config.yaml is `config.pipeline.batchSize`. */
export type Config = Camel<v.InferOutput<typeof configSchema>>;
