/**
 * Canaries: values that may be in the program's hands and never in what it says. Secrets nowhere;
 * contents of rows and frames in no log, and on standard output only where they were asked for.
 */
import { expect } from 'bun:test';
import type { Finished } from '../e2e/mdp.ts';

export const SECRETS = {
  password: 'cnryPassw0rd7f3a',
  apiKey: 'cnryApiKey9b1c-of-32-characters-or-so',
  otherKey: 'cnryWrongKey5d2e-of-32-characters-or',
  fileText: 'cnryFileText4e8f',
  query: 'cnryQuery6a0d',
  proxy: 'cnryPr0xy3c7b',
  header: 'cnryHeader8d4a',
} as const;

export const CONTENTS = {
  price: '31337.27182818',
  size: '16180.33988749',
  symbol: 'CNRYSYM1Z',
  text: 'cnryFrameText2e5c',
} as const;

/** As it stands, without its point, in hex, and in base64 wherever it begins in a group. */
const formsOf = (canary: string): readonly string[] => {
  const bytes = Buffer.from(canary);
  const groups = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [canary, canary.replace('.', ''), bytes.toString('hex'), ...groups];
};

/** Which of them a text shows, in whatever case or form. */
export const shownIn = (text: string, canaries: Readonly<Record<string, string>>): string[] => {
  const lower = text.toLowerCase();
  return Object.entries(canaries)
    .filter(([, canary]) => formsOf(canary).some((form) => lower.includes(form.toLowerCase())))
    .map(([name]) => name);
};

/** Fails with the text where it shows any. */
export const expectSilent = (
  text: string,
  canaries: Readonly<Record<string, string>> = { ...SECRETS, ...CONTENTS },
): void => {
  const shown = shownIn(text, canaries);
  expect(shown.length === 0 ? '' : `${shown.join(', ')} in:\n${text}`).toBe('');
};

/**
 * A command said nothing that it must not. `sign` proves that it came where it was sent: it must be
 * in what it said. `data`: contents were asked for, and may be on standard output.
 */
export const expectDiscreet = (
  { stdout, stderr }: Finished,
  sign: string | RegExp,
  data: 'data' | 'no data' = 'no data',
): void => {
  expect(`${stdout}\n${stderr}`).toMatch(sign);
  expectSilent(stderr);
  expectSilent(stdout, data === 'data' ? SECRETS : { ...SECRETS, ...CONTENTS });
};
