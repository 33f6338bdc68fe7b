import { MdpError } from '../runtime/errors.ts';
import { withoutSecrets } from '../runtime/without-secrets.ts';
import { BUILD } from './build-info.ts';
import { checkCommand } from './check.ts';
import { configCommand } from './config.ts';
import { EXIT, type CommandContext } from './context.ts';
import { deadletterCommand } from './deadletter.ts';
import { doctorCommand } from './doctor.ts';
import { healthcheckCommand } from './healthcheck.ts';
import { journalCommand } from './journal.ts';
import { migrateCommand } from './migrate.ts';
import { queryCommand } from './query.ts';
import { replayCommand } from './replay.ts';
import { runCommand } from './run.ts';

/**
 * The commands: one file a verb, from arguments to an exit code. What goes wrong before a pipeline
 * runs is said on standard error with its cure; nothing here exits the process.
 */
export type Command = (args: readonly string[], context: CommandContext) => Promise<number>;

const versionCommand: Command = (_args, context) => {
  context.stdout.write(`mdp ${BUILD.version} (${BUILD.commit}) bun ${Bun.version}\n`);
  return Promise.resolve(EXIT.fine);
};

const helpCommand: Command = (_args, context) => {
  context.stdout.write(HELP);
  return Promise.resolve(EXIT.fine);
};

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['run', runCommand],
  ['check', checkCommand],
  ['config', configCommand],
  ['migrate', migrateCommand],
  ['journal', journalCommand],
  ['replay', replayCommand],
  ['query', queryCommand],
  ['deadletter', deadletterCommand],
  ['doctor', doctorCommand],
  ['healthcheck', healthcheckCommand],
  ['version', versionCommand],
  ['help', helpCommand],
]);

const HELP = `mdp: exchanges' WebSocket feeds to exact trades, quotes and bars in your database

  mdp run           run the pipeline (the default command)
  mdp query         read trades, quotes, bars and gaps back, to the digit
  mdp replay        recorded frames through the same pipeline
  mdp check         is the configuration right, and wise?
  mdp config        the effective configuration and where each value comes from
  mdp migrate       prepare the database, or print the SQL
  mdp journal       list, verify, show or export the journal's records
  mdp deadletter    list, retry or remove what was refused
  mdp doctor        would it work here, and if not, why not?
  mdp healthcheck   exit 0 when the program on this machine turns
  mdp version       version, commit, runtime

Each takes --help.
`;

/** Runs the command that `argv` names. Resolves with the exit code. */
export const runCommandLine = async (
  argv: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { name, args } = verbOf(argv);
  const command = COMMANDS.get(name);
  if (command === undefined) {
    context.stderr.write(`mdp: there is no command \`${withoutSecrets(name)}\`\n\n${HELP}`);
    return EXIT.usage;
  }
  try {
    return await command(args, context);
  } catch (error) {
    return explain(error, context);
  }
};

/** Options without a verb belong to `run`. */
const verbOf = (argv: readonly string[]): { name: string; args: readonly string[] } => {
  const [first, ...rest] = argv;
  if (first === '--help' || first === '-h') return { name: 'help', args: [] };
  if (first === '--version' || first === '-v') return { name: 'version', args: [] };
  if (first === undefined || first.startsWith('-')) return { name: 'run', args: argv };
  return { name: first, args: rest };
};

const explain = (error: unknown, context: CommandContext): number => {
  if (error instanceof MdpError) {
    context.stderr.write(`mdp: ${withoutSecrets(error.message)}\n`);
    if (error.hint !== undefined) context.stderr.write(`     ${error.hint}\n`);
    return error.code === 'usage' || error.code === 'config' ? EXIT.usage : EXIT.failed;
  }
  if (error instanceof TypeError && 'code' in error && isArgumentError(error.code)) {
    context.stderr.write(`mdp: ${withoutSecrets(error.message)}\n`);
    return EXIT.usage;
  }
  throw error;
};

/** node:util parseArgs tells a wrong command line by these codes. */
const isArgumentError = (code: unknown): boolean =>
  typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
