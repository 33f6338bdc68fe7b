import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { errorCode } from '../config/files.ts';
import { formatTime } from '../market/time.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';

/** A request to a protected route and what became of it. */
export type AuditEntry = {
  /** Microseconds since the epoch. */
  readonly time: number;
  readonly keyId: string | undefined;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly address: string | undefined;
};

/** At this size the file becomes `.1`, that one `.2`, and so on; what was `.5` is gone. */
const MAX_FILE_BYTES = 10 * 1024 ** 2;
export const KEPT_FILES = 5;
/** Only the program's user reads it. */
const MODE = 0o600;

/** A full disk, or one that fails, is no reason not to start: it is none to stop serving either. */
const PASSING: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO']);

/**
 * Who asked for what: a JSON line a request, written before its answer goes out. What cannot be
 * written is counted in `lost` and logged, and serving goes on. Lines survive the process; not
 * synced, the last seconds may go with the machine. One process a file; opened anew for every line,
 * so that a file moved away from outside is made again.
 */
export class AuditLog {
  readonly #path: string;
  readonly #log: RateLimitedLog;
  readonly #maxFileBytes: number;
  /** Whether the last line was cut off, so that the next one must begin its own. */
  #torn = false;
  lost = 0;

  /** Throws `config` when there is no writing to the path. */
  constructor(path: string, log: Log, clock: Clock, maxFileBytes = MAX_FILE_BYTES) {
    this.#path = path;
    this.#log = new RateLimitedLog(log, clock);
    this.#maxFileBytes = maxFileBytes;
    try {
      closeSync(openSync(path, 'a', MODE));
    } catch (cause) {
      const errno = errorCode(cause);
      if (PASSING.has(errno)) return;
      throw new MdpError('config', `http.audit_log: ${path} cannot be written (${errno})`, {
        hint: 'name a file in a directory that this user may write to',
        cause,
      });
    }
  }

  write({ time, keyId, method, route, status, address }: AuditEntry): void {
    const line = { time: formatTime(time), key: keyId ?? null, method, route, status };
    const text = `${JSON.stringify({ ...line, address: address ?? null })}\n`;
    try {
      this.#append(Buffer.from(this.#torn ? `\n${text}` : text));
    } catch (error) {
      this.lost += 1;
      const errno = errorCode(error);
      this.#log.say(errno, 'error', 'The audit log takes no lines', { errno, lost: this.lost });
    }
  }

  #append(bytes: Buffer): void {
    let fd = openSync(this.#path, 'a', MODE);
    try {
      const { size } = fstatSync(fd);
      if (size > 0 && size + bytes.length > this.#maxFileBytes) {
        closeSync(fd);
        fd = -1;
        this.#rotate();
        fd = openSync(this.#path, 'a', MODE);
      }
      const written = writeSync(fd, bytes);
      this.#torn = written < bytes.length;
      if (this.#torn) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  #rotate(): void {
    for (let number = KEPT_FILES - 1; number >= 1; number -= 1) {
      const from = `${this.#path}.${number}`;
      if (statSync(from, { throwIfNoEntry: false }) !== undefined) {
        renameSync(from, `${this.#path}.${number + 1}`);
      }
    }
    renameSync(this.#path, `${this.#path}.1`);
  }
}
