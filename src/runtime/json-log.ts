import type { Log, LogFields, LogLevel } from './log.ts';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Microseconds since the epoch. */
  readonly now: () => number;
  /** Takes one line with its line end. */
  readonly write: (line: string) => void;
};

/**
 * The program's log: one line an event, written at once. `json` for machines (`time`, `level`,
 * `message`, then fields), `text` for a person at a terminal.
 */
export const createLog = (options: LogOptions, fixed: LogFields = {}): Log => {
  const line = options.format === 'json' ? jsonLine : textLine;
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (RANK[level] < RANK[options.level]) return;
      options.write(line(options.now(), level, message, { ...fixed, ...fields }));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => createLog(options, { ...fixed, ...fields }),
  };
};

const isoMillis = (micros: number): string => new Date(Math.floor(micros / 1000)).toISOString();

const jsonLine = (now: number, level: LogLevel, message: string, fields: LogFields): string =>
  `${JSON.stringify({ time: isoMillis(now), level, message, ...fields })}\n`;

const textLine = (now: number, level: LogLevel, message: string, fields: LogFields): string => {
  let text = `${isoMillis(now).slice(11, 23)} ${level.padEnd(5)} ${message}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += `  ${key}=${textValue(value)}`;
  }
  return `${text}\n`;
};

const textValue = (value: string | number | boolean): string =>
  typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value);
