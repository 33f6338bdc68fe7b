import { parseArgs } from 'node:util';
import { advice } from '../config/advice.ts';
import { loadConfig } from '../config/load.ts';
import { problemText } from '../config/problem.ts';
import { pathText } from '../config/place.ts';
import { readTls } from '../http/tls.ts';
import { EXIT, type CommandContext } from './context.ts';

const CHECK_HELP = `mdp check [--config PATH]

Says whether \`mdp run\` would take the configuration: every error at once, with its place and
what is allowed; certificates that cannot be used; and warnings about what is possible and
unwise. Changes nothing.

  --config PATH     configuration file (default: ./config.yaml, else the built-in one)

Exit codes: 0 valid (warnings or not), 2 usage or configuration.
`;

/** `mdp check`: is the configuration right, and is it wise? */
export const checkCommand = (args: readonly string[], context: CommandContext): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    context.stdout.write(CHECK_HELP);
    return Promise.resolve(EXIT.fine);
  }
  const loaded = loadConfig({ path: values.config });
  readTls(loaded.config.http.tls);
  for (const note of loaded.notes) context.stderr.write(`${note}\n`);
  const warnings = advice(loaded);
  for (const { path, text } of warnings) {
    const problem = { place: loaded.said(path).place, key: pathText(path), text };
    context.stdout.write(`warning: ${problemText(problem)}\n`);
  }
  const count = `${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
  context.stdout.write(`The configuration is valid (${count})\n`);
  return Promise.resolve(EXIT.fine);
};
