/**
 * Programs of the system that judge our files: Prometheus, systemd-analyze, docker-compose. Where
 * one is missing its tests are skipped, and say so; in continuous integration, which installs
 * them, that is a failure.
 */
import { expect } from 'bun:test';

/** Whether `command` is there; says aloud which package would bring it when it is not. */
export const has = (command: string, debianPackage: string): boolean => {
  if (Bun.which(command) !== null) return true;
  const text = `${command} is not there: apt-get install ${debianPackage}`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.warn(`SKIPPED, ${text}`);
  return false;
};

/** Whether we may give files to other users and enter another root; says aloud when not. */
export const isRoot = (): boolean => {
  if (process.getuid?.() === 0) return true;
  console.warn('SKIPPED, these tests need root');
  return false;
};

export type Ran = { readonly code: number; readonly output: string };

/** Runs a program to its end; stdout and stderr in one. */
export const ran = async (
  cmd: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> => {
  const child = Bun.spawn([...cmd], {
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, output: stdout + stderr };
};

/** Runs a program that must succeed; what it said is in the failure. */
export const succeeds = async (
  cmd: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const { code, output } = await ran(cmd, env);
  expect(`${cmd[0]} exited with ${code}\n${code === 0 ? '' : output}`).toBe(
    `${cmd[0]} exited with 0\n`,
  );
  return output;
};
