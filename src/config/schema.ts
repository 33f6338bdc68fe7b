import * as v from 'valibot';
import { httpSettings } from '../http/settings.ts';
import { journalSettings } from '../journal/settings.ts';
import { operatorsSettings } from '../operators/settings.ts';
import {
  pacingSettings,
  pipelineSettings,
  queueSettings,
  shardSettings,
} from '../pipeline/settings.ts';
import { logSettings, telemetrySettings } from '../runtime/settings.ts';
import { databaseSettings, sinkSettings } from '../sinks/settings.ts';
import { sourcesSettings } from '../sources/settings.ts';

/**
 * Everything that can be set, by the names of config.yaml. Each section is declared beside what it
 * configures.
 */
export const configSchema = v.strictObject({
  sources: v.optional(sourcesSettings, []),
  operators: operatorsSettings,
  pipeline: pipelineSettings,
  queues: queueSettings,
  pacing: pacingSettings,
  sink: sinkSettings,
  database: databaseSettings,
  journal: journalSettings,
  http: httpSettings,
  telemetry: telemetrySettings,
  log: logSettings,
  shard: shardSettings,
});
