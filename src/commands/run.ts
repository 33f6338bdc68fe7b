import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { loadConfig, type LoadRequest } from '../config/load.ts';
import { maskedUrl } from '../config/secrets.ts';
import { HttpSide, withSealedKeys } from '../http/http-side.ts';
import { createMetrics } from '../http/metrics.ts';
import type { HttpServer } from '../http/server.ts';
import { timeframeSeconds } from '../market/timeframes.ts';
import { buildPipeline, createSink, randomRun } from '../pipeline/build.ts';
import { openJournalPart } from '../pipeline/journal-part.ts';
import type { Outcome } from '../pipeline/pipeline-parts.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { RenewableSink } from '../pipeline/renewable-sink.ts';
import { MdpError } from '../runtime/errors.ts';
import { collectGrowth } from '../runtime/garbage.ts';
import { createLog } from '../runtime/json-log.ts';
import type { Log } from '../runtime/log.ts';
import { parseDuration } from '../runtime/quantities.ts';
import { BUILD } from './build-info.ts';
import { EXIT, type CommandContext } from './context.ts';
import { createLiveLine, type LiveLine } from './live-line.ts';
import { followFiles, obeyReloads } from './reload.ts';
import { tellSupervisor } from './supervision.ts';
import { openTracer } from './tracing.ts';

const RUN_HELP = `mdp run [--config PATH] [--source TYPE] [--symbols A,B,…] [--duration 30s]

Runs the pipeline until SIGTERM or SIGINT (or for --duration), then drains: stops the
sources, finishes the operators, commits, closes. A second signal stops at once.

On SIGHUP, or when the configuration file changes, sources and symbols come and go as it
says, PostgreSQL is reached by a changed database.url, ssl mode or CA, and API keys and the
certificates are renewed (files of secrets and certificates are watched too); any other
changed key waits for a restart, and what is wrong is refused.

  --config PATH     configuration file (default: ./config.yaml, else the built-in one)
  --source TYPE     one source of this type instead of the configured ones
  --symbols A,B     its symbols, in the venue's own spelling
  --duration TIME   stop by itself: 500ms, 30s, 10m, 2h

Examples:
  mdp run
  mdp run --source binance --symbols BTCUSDT,ETHUSDT
  DATABASE_URL=postgres://user@host/db mdp run --config /etc/mdp/config.yaml

Exit codes: 0 drained, 1 failed, 2 usage or configuration, 3 stopped with data left behind.
`;

/** `mdp run`: the pipeline with its HTTP side, until told to stop. */
export const runCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      source: { type: 'string' },
      symbols: { type: 'string' },
      duration: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(RUN_HELP);
    return EXIT.fine;
  }
  const runForMs = values.duration === undefined ? undefined : durationOf(values.duration);
  const overrides = {
    ...(values.source === undefined ? {} : { source: values.source }),
    ...(values.symbols === undefined ? {} : { symbols: values.symbols.split(',') }),
  };
  const request: LoadRequest = { path: values.config, overrides, sources: 'required' };
  return runPipeline(request, runForMs, context);
};

/** Of a loaded configuration what a run goes on with: no API key is in it. */
const loadSealed = (request: LoadRequest) => {
  const { config, file, files, notes, tracing } = loadConfig(request);
  return { config: withSealedKeys(config), file, files, notes, tracing };
};

const runPipeline = async (
  request: LoadRequest,
  runForMs: number | undefined,
  context: CommandContext,
): Promise<number> => {
  const loaded = loadSealed(request);
  const { config } = loaded;
  const { clock, finish } = context;
  const files = followFiles({ request, loaded }, clock);
  const screen = screenOf(config, context);
  const { log } = screen;
  for (const note of loaded.notes) log.info(note);
  const http = new HttpSide({ config, clock, log });
  const bare = { clock, random: Math.random, log };
  const sink = new RenewableSink(createSink(config, bare));
  const tracer = await openTracer(loaded.tracing, bare);
  const around = { ...bare, sink, tracer };
  const journal = await openJournalPart(config, around);
  const pipeline = buildPipeline(config, around, randomRun(Math.random), journal);
  const servers = http.start(pipeline, metricsOf(config, pipeline, context));
  sayStarted(config, servers, log);
  screen.start(pipeline, statusAddress(config, servers));
  obeySignals(pipeline, context, log);
  const ignoreReloads = obeyReloads({
    pipeline,
    sink,
    http,
    loaded,
    request,
    files,
    around,
    context,
  });
  if (runForMs !== undefined) clock.after(runForMs, () => pipeline.stop());
  const running = pipeline.run();
  const { drainMs } = config.pipeline;
  const supervision = tellSupervisor({ pipeline, clock, log, drainMs, finish });
  const garbage = collectGrowth(clock);
  try {
    return report(await running, pipeline, log, journal && config.journal.dir);
  } finally {
    garbage.cancel();
    supervision.cancel();
    ignoreReloads();
    screen.stop();
    await tracer?.close();
    await http.stop();
  }
};

const statusAddress = ({ http }: Config, servers: readonly HttpServer[]): string => {
  const scheme = http.tls.cert === undefined ? 'http' : 'https';
  return `${scheme}://${http.host}:${servers[0]?.port ?? 0}/status`;
};

/**
 * What a run leaves behind, said and as an exit code. `kept` is the journal's directory: what was
 * not committed is there, and the next run goes on with it.
 */
export const report = (left: Outcome, pipeline: Pipeline, log: Log, kept?: string): number => {
  const { rowsCommitted } = pipeline.sinkStats;
  const fields = {
    trades: rowsCommitted.get('trade') ?? 0,
    quotes: rowsCommitted.get('quote') ?? 0,
    bars: rowsCommitted.get('bar') ?? 0,
  };
  if (left.frames === 0 && left.rows === 0) {
    log.info('Drained: everything received is committed', fields);
    return EXIT.fine;
  }
  const counts = { ...fields, frames_left: left.frames, rows_left: left.rows };
  if (kept === undefined) {
    log.error('Stopped with data left behind: it was in memory and is gone', counts);
  } else {
    log.warn('Stopped with data left behind: the next run goes on with it', {
      ...counts,
      journal: kept,
    });
  }
  return EXIT.left;
};

/** First signal: drain. Second: stop at once. */
export const obeySignals = (pipeline: Pipeline, context: CommandContext, log: Log): void => {
  const drain = (): void => {
    log.info('Draining: sources stop, what was received is committed');
    pipeline.stop();
  };
  if (context.finish.aborted) drain();
  else context.finish.addEventListener('abort', drain, { once: true });
  context.stop.addEventListener('abort', () => pipeline.abandon(), { once: true });
};

/** The log and, on a terminal, the live line under it. */
export const screenOf = (config: Pick<Config, 'log'>, context: CommandContext) => {
  let live: LiveLine | undefined;
  const onTerminal = context.stderr.isTerminal;
  const log = createLog({
    level: config.log.level,
    format: config.log.format ?? (onTerminal ? 'text' : 'json'),
    now: () => context.clock.now(),
    write: (line) => (live === undefined ? context.stderr.write(line) : live.above(line)),
  });
  return {
    log,
    start: (pipeline: Pipeline, look: string): void => {
      if (onTerminal) live = createLiveLine(pipeline, context.clock, context.stderr, look);
    },
    stop: (): void => live?.stop(),
  };
};

const metricsOf = (
  { telemetry, operators }: Config,
  pipeline: Pipeline,
  { clock }: CommandContext,
) =>
  telemetry.enableMetrics
    ? createMetrics({
        pipeline,
        build: BUILD,
        timeframes: operators.bars.timeframes.map((name) => timeframeSeconds(name) ?? 0),
        now: () => clock.now(),
      })
    : undefined;

const sayStarted = (config: Config, servers: readonly HttpServer[], log: Log): void => {
  const tls = config.http.tls.cert !== undefined;
  for (const { host, port } of servers) log.info('listening', { host, port, tls });
  log.info('Started', {
    version: BUILD.version,
    sources: config.sources.map(({ type, name }) => name ?? type).join(','),
    database: maskedUrl(config.database.url),
    drop_policy: config.queues.dropPolicy,
    backpressure_policy: config.sink.backpressurePolicy,
  });
  if (config.sink.backpressurePolicy !== 'block') {
    log.warn('When the sink queue is full, batches of trades and quotes will be dropped', {
      backpressure_policy: config.sink.backpressurePolicy,
    });
  }
};

const durationOf = (text: string): number => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new MdpError('usage', `--duration: expected a time like 30s, got \`${text}\``, {
    hint: 'units are ms, s, m, h and d',
  });
};
