import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MdpError } from './errors.ts';
import { lockFile } from './file-lock.ts';

let directory = '';
let path = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-lock-'));
  path = join(directory, 'file.lock');
});

afterEach(() => rmSync(directory, { recursive: true }));

function refusalOf(file: string): MdpError {
  try {
    lockFile(file).release();
  } catch (error) {
    if (error instanceof MdpError) return error;
    throw error;
  }
  throw new Error(`Expected ${file} to be refused`);
}

test('lets one hold the lock at a time, and the next one when it is released', () => {
  const first = lockFile(path);
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  expect(refusalOf(path)).toMatchObject({ code: 'locked', retry: false });
  expect(refusalOf(path).message).toContain(`process ${process.pid}`);
  first.release();
  lockFile(path).release();
});

test('is let go by the kernel when its holder is killed', async () => {
  const script = `
    import { lockFile } from ${JSON.stringify(join(import.meta.dir, 'file-lock.ts'))};
    lockFile(${JSON.stringify(path)});
    console.log('locked');
    setInterval(() => undefined, 1_000);`;
  const holder = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  const { value } = await holder.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe('locked\n');
  expect(refusalOf(path).message).toContain(`process ${holder.pid}`);
  holder.kill('SIGKILL');
  await holder.exited;
  lockFile(path).release();
});

test('says where a lock file cannot be made', () => {
  const refusal = refusalOf(join(directory, 'missing', 'file.lock'));
  expect(refusal).toMatchObject({ code: 'database_refused', retry: false });
  expect(refusal.hint).toContain('writable');
});
