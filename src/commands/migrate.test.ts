import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MdpError } from '../runtime/errors.ts';
import { lockFile } from '../runtime/file-lock.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import { migrateCommand } from './migrate.ts';

const never = new AbortController().signal;

let directory = '';
let path = '';
let config = '';

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-migrate-'));
  path = join(directory, 'data', 'mdp.db');
  config = await configOf(`sqlite:${path}`);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A configuration that forbids migrating at start, as those have who use the command. */
async function configOf(url: string): Promise<string> {
  const file = join(directory, 'config.yaml');
  await Bun.write(file, `database:\n  url: ${url}\n  migrate: false\n`);
  return file;
}

type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function migrate(args: readonly string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      said[name] += text;
    },
    isClosed: () => false,
    isTerminal: false,
    width: 80,
  });
  const code = await migrateCommand([...args, '--config', config], {
    clock: createSystemClock(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    finish: never,
    stop: never,
    hangup: new EventTarget(),
  });
  return { code, ...said };
}

function schemaOf(file: string): readonly unknown[][] {
  const db = new Database(file, { readonly: true });
  const schema = db.query('select name, sql from sqlite_schema order by name').values();
  db.close();
  return schema;
}

test('makes the schema, and changes nothing where it is there', async () => {
  const first = await migrate([]);
  expect(first).toMatchObject({ code: 0, stdout: `the schema is there: sqlite:${path}\n` });
  expect(first.stderr).toContain('database migrated');
  const schema = schemaOf(path);
  expect(await migrate([])).toMatchObject({ code: 0, stderr: '' });
  expect(schemaOf(path)).toEqual([...schema]);
});

test('prints SQL that makes the same schema, and touches nothing', async () => {
  const { code, stdout } = await migrate(['--print']);
  expect(code).toBe(0);
  expect(await Bun.file(path).exists()).toBe(false);
  const byHand = join(directory, 'by-hand.db');
  const db = new Database(byHand);
  db.run(stdout);
  db.close();
  await migrate([]);
  expect(schemaOf(byHand)).toEqual([...schemaOf(path)]);
});

test('prints the SQL of PostgreSQL without a server, for partitions or hypertables', async () => {
  config = await configOf('postgres://nobody@192.0.2.1/none');
  const native = await migrate(['--print']);
  expect(native.stdout).toContain('partition by range (ts)');
  expect(native.stdout).not.toContain('create_hypertable');
  const timescale = await migrate(['--print', '--timescaledb']);
  expect(timescale.stdout).toContain('create_hypertable');
});

test('refuses a file that a pipeline writes to', async () => {
  await migrate([]);
  const pipeline = lockFile(`${path}.lock`);
  const refusal = await migrate([]).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(MdpError);
  expect(refusal).toMatchObject({ code: 'locked' });
  pipeline.release();
  expect(await migrate([])).toMatchObject({ code: 0 });
});

test('has a help with examples', async () => {
  const { code, stdout } = await migrate(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('mdp migrate --print > schema.sql');
});
