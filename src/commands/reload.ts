import { readFileSync } from 'node:fs';
import { changedKeys } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import { errorCode } from '../config/files.ts';
import { DEFAULT_FILE, loadConfig, type LoadedConfig, type LoadRequest } from '../config/load.ts';
import { maskedUrl } from '../config/secrets.ts';
import { withSealedKeys, type HttpSide } from '../http/http-side.ts';
import { createSink, sourceParts, type Surroundings } from '../pipeline/build.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RenewableSink } from '../pipeline/renewable-sink.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import { FollowedFiles } from '../runtime/followed-files.ts';
import { parseDatabaseUrl } from '../sinks/database-url.ts';
import { parseAddress } from '../sinks/postgres/address.ts';
import type { CommandContext } from './context.ts';

export type ReloadParts = {
  readonly pipeline: Pipeline;
  readonly sink: RenewableSink;
  readonly http: HttpSide;
  /** What runs, and how it was asked for: the same way it is read again. */
  readonly loaded: Pick<LoadedConfig, 'config' | 'file' | 'files'>;
  readonly request: LoadRequest;
  readonly files: FollowedFiles;
  readonly around: Surroundings;
  readonly context: CommandContext;
};

/**
 * Follows what a configuration was read from, and the files that it names for TLS. To begin in the
 * same breath as the reading: what changes later is not missed then.
 */
export const followFiles = (
  { request, loaded }: Pick<ReloadParts, 'request' | 'loaded'>,
  clock: Clock,
): FollowedFiles => {
  const files = new FollowedFiles(clock);
  files.follow(filesOf(request, loaded, loaded.config));
  return files;
};

const filesOf = (
  request: LoadRequest,
  loaded: ReloadParts['loaded'],
  { http, database }: Config,
) => [
  request.path ?? loaded.file ?? DEFAULT_FILE,
  ...loaded.files,
  ...Object.values(http.tls),
  trustFile(database),
];

/**
 * Reads the configuration again on SIGHUP and when its file, a secret's or a certificate's changes.
 * Sources follow it, the way to a PostgreSQL server, API keys and certificates; of any other key
 * that changed it says that it needs a restart. What is wrong is refused whole, and what ran before
 * runs on. Returns what ends this.
 */
export const obeyReloads = (parts: ReloadParts): (() => void) => {
  const { files, context } = parts;
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
  files.tell((file) => again(`${file} changed`));
  context.hangup.addEventListener('hangup', onHangup);
  return () => {
    files.follow([]);
    context.hangup.removeEventListener('hangup', onHangup);
  };
};

const createReload = ({ pipeline, sink, http, loaded, request, files, around }: ReloadParts) => {
  let running = loaded.config;
  let trusted = trustOf(running.database);
  let { file } = loaded;
  const { clock, log } = around;
  const { configuration } = pipeline;

  const take = async (reason: string): Promise<void> => {
    // A file that was in use must be there: without it, the defaults would end every source.
    const read = loadConfig({ ...request, path: request.path ?? file });
    const next = withSealedKeys(read.config);
    const served = http.prepare(running.http, next.http);
    const database = reachable(running.database, next.database);
    const trust = trustOf(database);
    const isSame = database === running.database && trust === trusted;
    const wanted = { ...running, database, sources: next.sources, http: served.http };
    const renewed = isSame ? undefined : createSink(wanted, around);
    const changes = await pipeline.replaceSources(sourceParts(wanted, around));
    ({ file } = read);
    served.take();
    if (renewed !== undefined) {
      sink.renew(renewed);
      log.info('The database is reached anew', { database: maskedUrl(database.url) });
    }
    running = wanted;
    trusted = trust;
    files.follow(filesOf(request, loaded, running));
    const needsRestart = changedKeys(running, next);
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

/** The file with the authorities that a PostgreSQL server's certificate must come from. */
const trustFile = (database: Config['database']): string | undefined => {
  if (!isServer(database)) return undefined;
  const file = database.sslCa ?? parseAddress(database.url).sslRootCert;
  return file === 'system' ? undefined : file;
};

/** What tells its content from any other. Throws `config` where it cannot be read. */
const trustOf = (database: Config['database']): string | undefined => {
  const file = trustFile(database);
  if (file === undefined) return undefined;
  try {
    return String(Bun.hash.xxHash64(readFileSync(file)));
  } catch (cause) {
    throw new MdpError('config', `database.ssl_ca: ${file} cannot be read (${errorCode(cause)})`, {
      cause,
    });
  }
};

const isServer = ({ url }: Config['database']): boolean =>
  parseDatabaseUrl(url)?.kind === 'postgres';

/** A configuration error has a line for each problem. */
const problemsOf = ({ code, message, hint }: MdpError): readonly string[] => {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  return code === 'config' || hint === undefined ? lines : [...lines, hint];
};
