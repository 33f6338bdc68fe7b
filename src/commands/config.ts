import { parseArgs } from 'node:util';
import { effectiveYaml } from '../config/effective.ts';
import { loadConfig } from '../config/load.ts';
import { shippedConfig } from '../config/shipped.ts';
import { EXIT, type CommandContext } from './context.ts';

const CONFIG_HELP = `mdp config [--config PATH] [--default]

Prints the effective configuration as YAML, with the place that said each value: default,
a line of config.yaml, or an environment variable. Passwords and keys are hidden.

  --config PATH     configuration file (default: ./config.yaml, else the built-in one)
  --default         the built-in config.yaml with its comments, to start one from:
                    mdp config --default > config.yaml

Exit codes: 0 fine, 2 usage or configuration.
`;

/** `mdp config`: what is in force, and who said so. */
export const configCommand = (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      default: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) context.stdout.write(CONFIG_HELP);
  else if (values.default === true) context.stdout.write(shippedConfig);
  else {
    const loaded = loadConfig({ path: values.config, sources: 'ignored' });
    for (const note of loaded.notes) context.stderr.write(`${note}\n`);
    context.stdout.write(effectiveYaml(loaded));
  }
  return Promise.resolve(EXIT.fine);
};
