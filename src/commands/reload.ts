import { changedKeys } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import { DEFAULT_FILE, loadConfig, type LoadedConfig, type LoadRequest } from '../config/load.ts';
import { maskedUrl } from '../config/secrets.ts';
import { createSink, sourceParts, type Surroundings } from '../pipeline/build.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RenewableSink } from '../pipeline/renewable-sink.ts';
import { MdpError } from '../runtime/errors.ts';
import { watchFile } from '../runtime/file-watch.ts';
import { parseDatabaseUrl } from '../sinks/database-url.ts';
import type { CommandContext } from './context.ts';

export type ReloadParts = {
  readonly pipeline: Pipeline;
  readonly sink: RenewableSink;
  /** What runs, and how it was asked for: the same way it is read again. */
  readonly loaded: LoadedConfig;
  readonly request: LoadRequest;
  readonly around: Surroundings;
  readonly context: CommandContext;
};

/**
 * Reads the configuration again on SIGHUP and when its file or a secret's changes. Sources follow
 * it, and the way to a PostgreSQL server; of any other key that changed it says that it needs a
 * restart. What is wrong is refused whole, and what
 * ran before runs on. Returns what ends this.
 */
export const obeyReloads = (parts: ReloadParts): (() => void) => {
  const { request, loaded, context } = parts;
  const reload = createReload(parts);
  let reloads: Promise<void> = Promise.resolve();
  let waiting = false;
  // One at a time, and one that waits: it will read what is there by then.
  const again = (reason: string): void => {
    if (waiting) return;
    waiting = true;
    reloads = reloads.then(() => {
      waiting = false;
      return reload(reason);
    });
  };
  const onHangup = (): void => again('SIGHUP');
  const file = request.path ?? loaded.file ?? DEFAULT_FILE;
  const files = new Set([file, ...loaded.files]);
  const watches = [...files].map((each) =>
    watchFile(each, context.clock, () => again(`${each} changed`)),
  );
  context.hangup.addEventListener('hangup', onHangup);
  return () => {
    for (const watch of watches) watch.cancel();
    context.hangup.removeEventListener('hangup', onHangup);
  };
};

const createReload = ({ pipeline, sink, loaded, request, around }: ReloadParts) => {
  let running = loaded.config;
  let { file } = loaded;
  const { clock, log } = around;
  const { configuration } = pipeline;

  const take = async (reason: string): Promise<void> => {
    // A file that was in use must be there: without it, the defaults would end every source.
    const next = loadConfig({ ...request, path: request.path ?? file });
    const database = reachable(running.database, next.config.database);
    const wanted = { ...running, database, sources: next.config.sources };
    const renewed = database === running.database ? undefined : createSink(wanted, around);
    const changes = await pipeline.replaceSources(sourceParts(wanted, around));
    ({ file } = next);
    if (renewed !== undefined) {
      sink.renew(renewed);
      log.info('The database is reached anew', { database: maskedUrl(database.url) });
    }
    running = wanted;
    const needsRestart = changedKeys(running, next.config);
    configuration.take(clock.now(), needsRestart);
    for (const key of needsRestart)
      log.warn('Changed, but needs a restart to take effect', { key });
    log.info('Configuration read again', {
      reason,
      added: changes.added.join(','),
      removed: changes.removed.join(','),
      changed: changes.changed.join(','),
    });
  };

  return async (reason: string): Promise<void> => {
    try {
      await take(reason);
    } catch (error) {
      if (!(error instanceof MdpError) || error.code === 'invariant') throw error;
      const problems = problemsOf(error);
      configuration.refuse(clock.now(), problems);
      for (const problem of problems) {
        log.error('The new configuration is refused, the one before it runs on', {
          problem,
          reason,
        });
      }
    }
  };
};

/**
 * The database with the address, password and TLS of `next`, where both are PostgreSQL: all else
 * waits for a restart. The same object where nothing of it changed.
 */
const reachable = (running: Config['database'], next: Config['database']): Config['database'] => {
  if (!isServer(running) || !isServer(next)) return running;
  const { url, sslmode, sslCa } = next;
  const changed = url !== running.url || sslmode !== running.sslmode || sslCa !== running.sslCa;
  return changed ? { ...running, url, sslmode, sslCa } : running;
};

const isServer = ({ url }: Config['database']): boolean =>
  parseDatabaseUrl(url)?.kind === 'postgres';

/** A configuration error has a line for each problem. */
const problemsOf = ({ code, message, hint }: MdpError): readonly string[] => {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  return code === 'config' || hint === undefined ? lines : [...lines, hint];
};
