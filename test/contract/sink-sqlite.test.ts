import { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/runtime/json-log.ts';
import { createSystemClock } from '../../src/runtime/system-clock.ts';
import { sqliteGapTables } from '../../src/sinks/sqlite/gap-tables.ts';
import { openSqliteReader } from '../../src/sinks/sqlite/reader.ts';
import { createSqliteSink } from '../../src/sinks/sqlite/sink.ts';
import { describeSink, type OpenedSink } from './sink.ts';

const clock = createSystemClock();
const log = createLog({
  level: 'warn',
  format: 'text',
  now: () => clock.now(),
  write: console.warn,
});

describeSink('sqlite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-sink-'));
  return Promise.resolve(openedIn(directory));
});

function openedIn(directory: string): OpenedSink {
  const path = join(directory, 'mdp.db');
  let other: Database | undefined;
  const query = (sql: string) => {
    const db = new Database(path, { readonly: true, safeIntegers: true });
    const rows = db.query(sql).values();
    db.close();
    return rows;
  };
  return {
    sink: createSqliteSink({ path, migrate: true, clock, log }),
    reader: () => openSqliteReader(path),
    columns: (view) =>
      Promise.resolve(query(`pragma table_info(${view})`).map(([, name]) => String(name))),
    texts: (sql) =>
      Promise.resolve(
        query(sql).map((row) => row.map((cell) => (cell === null ? null : String(cell)))),
      ),
    gapTables: () => {
      other ??= new Database(path, { safeIntegers: true });
      const db = other;
      return Promise.resolve(sqliteGapTables({ path, reading: db, writing: () => db }));
    },
    cleanup: () => {
      other?.close();
      return Promise.resolve(rmSync(directory, { recursive: true }));
    },
  };
}
