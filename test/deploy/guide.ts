/**
 * The deployment guide as data: every name in it that a user may rely on. guide.test.ts holds the
 * program against this list, and, where the guide's text is at hand, this list against the text.
 */

/** Variables with the values of the guide's block; where it says two, the later one. */
export const guideEnvironment = {
  PIPELINE_BATCH_SIZE: '1000',
  PIPELINE_FLUSH_MS: '50',
  PIPELINE_MAX_BYTES: '1048576',
  PIPELINE_OP_QUEUE_MAX: '16',
  PIPELINE_DROP_POLICY: 'newest',
  PIPELINE_SINK_WORKERS: '4',
  PIPELINE_SINK_QUEUE_MAX: '200',
  PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest',
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '2000',
  PIPELINE_PACING_BUDGET_BURST: '2000',
  PIPELINE_ENABLE_METRICS: 'true',
  PIPELINE_ENABLE_TRACING: 'true',
  PIPELINE_METRICS_PORT: '8080',
} as const;

export type GuideVariable = keyof typeof guideEnvironment | 'DATABASE_URL' | 'API_KEY';

/** The guide's config.yaml, word for word. */
export const guideFile = `# config.yaml
pipeline:
  batch_size: 500
  flush_ms: 100
  max_bytes: 512000

queues:
  op_queue_max: 8
  sink_queue_max: 16
  drop_policy: "oldest"
`;

/** Its keys, with the value and the line that \`mdp config\` must name. */
export const guideKeys = [
  ['pipeline.batch_size', '500', 3],
  ['pipeline.flush_ms', '100', 4],
  ['pipeline.max_bytes', '500KiB', 5],
  ['queues.op_queue_max', '8', 8],
  ['queues.sink_queue_max', '16', 9],
  ['queues.drop_policy', 'oldest', 10],
] as const;

export const guideMetrics = {
  mdp_source_items_total: 'counter',
  mdp_source_disconnects_total: 'counter',
  mdp_source_pacing_blocked_total: 'counter',
  operator_bars_out_total: 'counter',
  mdp_sink_batches_committed_total: 'counter',
  mdp_sink_batches_failed_total: 'counter',
  mdp_sink_queue_depth: 'gauge',
  mdp_sink_commit_seconds: 'histogram',
} as const;

export type GuideMetric = keyof typeof guideMetrics;

export const guideFiles = [
  'docker-compose.yaml',
  'config.yaml',
  'monitoring/grafana-dashboard.json',
  'scripts/smoke_test.sh',
  'scripts/dev.sh',
] as const;

export const guideEndpoints = ['/health', '/metrics'] as const;

/** What the dashboard is for, with the metric that shows it. */
export const guidePanels = {
  'Pipeline throughput monitoring': 'mdp_source_items_total',
  'Queue depth visualization': 'mdp_sink_queue_depth',
  'Commit latency tracking': 'mdp_sink_commit_seconds',
  'Error rate monitoring': 'mdp_sink_batches_failed_total',
  'Source status overview': 'mdp_source_up',
} as const;

/** Ports, each with what listens there. */
export const guidePorts = {
  5432: 'the database',
  8080: 'metrics, as the guide sets them',
  8083: 'health, metrics and status',
  9090: 'Prometheus',
} as const;

/** Commands that an operator types, as the guide has them. */
export const guideCommands = [
  'vault kv put secret/market-data-pipeline',
  'aws secretsmanager create-secret',
  'export DATABASE_URL=',
  'export API_KEY=',
  'docker compose up --build -d',
  './scripts/smoke_test.sh',
  'curl http://localhost:8083/health',
  'curl http://localhost:8083/metrics',
  'docker logs market-data-pipeline',
  './scripts/dev.sh test-integration',
] as const;

export type GuideCommand = (typeof guideCommands)[number];

/** Its common issues, with the metric by which docs/operations.md says each shows. */
export const guideSymptoms = {
  'high queue depth': 'mdp_sink_queue_depth',
  'high commit latency': 'mdp_sink_commit_seconds',
  'source disconnections': 'mdp_source_disconnects_total',
  'memory leaks': 'process_resident_memory_bytes',
} as const;
