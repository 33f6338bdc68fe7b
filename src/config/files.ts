import { readFileSync } from 'node:fs';

/** Reads a text file; throws an error that carries a `code` such as ENOENT. */
export type ReadFile = (path: string) => string;

export const readTextFile: ReadFile = (path) => readFileSync(path, 'utf8');

/** `ENOENT` and the like; the error's name where it carries none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
