/** What `mdp doctor` finds, as data. */
import { expect } from 'bun:test';
import * as v from 'valibot';
import { mdp, type Environment } from './mdp.ts';

const report = v.object({
  status: v.picklist(['ok', 'warn', 'fail']),
  findings: v.array(
    v.object({
      about: v.string(),
      status: v.picklist(['ok', 'warn', 'fail']),
      text: v.string(),
      cure: v.nullable(v.string()),
    }),
  ),
});

type Entry = Readonly<Record<string, unknown>>;

export const listeningTo = (...sources: readonly Entry[]): Environment => ({
  PIPELINE_SOURCES: JSON.stringify(sources),
});

/**
 * What it found, `about` and status first. Holds its exit code against it, and that every finding
 * that is not well has its cure.
 */
export const examined = async (
  directory: string,
  environment: Environment,
  through: readonly string[] = [],
) => {
  const asked = { PIPELINE_HTTP_PORT: '0', ...environment };
  const { code, stdout } = await mdp(directory, ['doctor', '--format', 'json'], asked, through);
  const { status, findings } = v.parse(report, JSON.parse(stdout));
  expect(code).toBe(status === 'fail' ? 1 : 0);
  const lines = findings.map((each) => `${each.about} ${each.status}: ${each.text}`);
  for (const { about, status: how, cure } of findings) {
    if (how !== 'ok') expect({ about, hasCure: cure !== null }).toEqual({ about, hasCure: true });
  }
  // Other programs may keep this machine's disk busy: that is right to be told, and is no fault.
  const unwell = lines.filter((line) => !/^[^:]+ ok: /.test(line) && !/sync takes?/.test(line));
  return { status, text: lines.join('\n'), unwell };
};
