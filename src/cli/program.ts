import { Command, CommanderError } from 'commander';
import { packageVersion } from '../support/package.js';
import { TimbreError } from '../errors/timbre-error.js';
import * as backup from './backup.js';
import * as calibrate from './calibrate.js';
import * as calibrations from './calibrations.js';
import { Cli, type Surroundings } from './cli.js';
import * as compare from './compare.js';
import * as conversation from './conversation.js';
import * as data from './data.js';
import * as doctor from './doctor.js';
import * as embed from './embed.js';
import * as enroll from './enroll.js';
import * as imports from './import.js';
import * as evaluate from './evaluate.js';
import * as identify from './identify.js';
import * as keys from './keys.js';
import * as jobs from './jobs.js';
import * as migrate from './migrate.js';
import * as models from './models.js';
import * as serve from './serve.js';
import * as setup from './setup.js';
import * as signIn from './sign-in.js';
import * as reEmbed from './re-embed.js';
import * as retention from './retention.js';
import * as groups from './groups.js';
import * as speakers from './speakers.js';
import * as verify from './verify.js';

/**
 * Every command, in the order of `timbre --help`. A module imports what it needs to describe itself; what is heavy
 * (the addon, the service) it imports in the action, so that `--help` stays instant.
 */
const commands: readonly { register: (program: Command, cli: Cli) => void }[] = [
  embed,
  compare,
  conversation,
  evaluate,
  calibrate,
  models,
  serve,
  keys,
  backup,
  migrate,
  data,
  retention,
  reEmbed,
  calibrations,
  speakers,
  groups,
  enroll,
  imports,
  jobs,
  verify,
  identify,
  signIn,
  setup,
  doctor,
];

/**
 * Runs one command line (without node and script) and gives the exit status: 0, or that of the first error in the
 * table of docs/errors.md.
 */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const cli = new Cli(surroundings);
  const program = new Command('timbre')
    .description('Speaker recognition: voice embeddings, comparison, models.')
    .version(packageVersion())
    .configureOutput({
      writeOut: (text) => cli.write(text),
      writeErr: (text) => cli.note(text.trimEnd()),
    })
    .exitOverride()
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', '\nExit status: 0, or the number of the error in docs/errors.md.');
  for (const { register } of commands) register(program, cli);
  program.commands.forEach(settle);
  program.hook('preAction', (_, command) => {
    applyEnvironment(command, cli.env);
  });

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : new TimbreError('INVALID_ARGUMENT', '').exitStatus;
    cli.fail(error);
  } finally {
    await cli.end();
    await cli.flush();
  }
  return cli.exitStatus;
}

/** Options with a variable take it from the surroundings; commander itself looks at the process only. */
function applyEnvironment(command: Command, env: NodeJS.ProcessEnv): void {
  for (const option of command.options) {
    const name = option.attributeName();
    if (option.envVar === undefined || command.getOptionValueSource(name) === 'cli') continue;
    const text = env[option.envVar];
    if (!text) {
      command.setOptionValueWithSource(name, option.defaultValue, 'default');
      continue;
    }
    try {
      command.setOptionValueWithSource(name, option.parseArg ? option.parseArg<unknown>(text, undefined) : text, 'env');
    } catch (error) {
      command.error(`error: the variable ${option.envVar} is "${text}". ${(error as Error).message}`);
    }
  }
}

/** Commands made with addCommand() do not inherit these. */
function settle(command: Command): void {
  if (command.parent) command.copyInheritedSettings(command.parent);
  command.commands.forEach(settle);
}
