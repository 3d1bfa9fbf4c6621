import { Option, type Command } from 'commander';
import { returnMemoryEarly } from '../addon/heap.js';
import { hideMemory } from '../addon/walls.js';
import { Config, SETTING_NAMES, type ConfigInput } from '../service/config/config.js';
import { SETTINGS, type Setting, type SettingName } from '../service/config/settings.js';
import type { Cli } from './cli.js';
import { service } from './local-service.js';

export function register(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description('the service: enrol, verify and identify speakers over HTTP, and the calls of the Python sidecar')
    .addHelpText(
      'after',
      '\nEvery option has a variable, given in brackets; docs/configuration.md has them all in one table.\n\n' +
        'Examples:\n  timbre serve\n  PORT=8080 TIMBRE_DATA_DIR=/var/lib/timbre timbre serve --log-level warn',
    )
    .option('--sign-in-link', 'print a link to stdout that signs in once, when the service is ready')
    .action(async ({ signInLink, ...options }: ConfigInput & { signInLink?: true }) => {
      const config = Config.of(options, cli.env);
      // What the service starts, and whoever looks at its environment later, does not find them there.
      Reflect.deleteProperty(cli.env, SETTINGS.dataKey.env);
      const { serve } = await service();
      returnMemoryEarly(cli.env);
      hideMemory();
      const print = (url: string): void => cli.write(`\n  Sign in: ${url}\n  (works once, within 10 minutes)\n\n`);
      await serve(config, { signal: cli.signal, log: cli.log, ...(signInLink ? { signInLink: print } : {}) });
    });
  for (const name of SETTING_NAMES) {
    // Arguments are for everybody on the machine to see.
    if (!(SETTINGS[name] as Setting).secret) command.addOption(optionOf(name));
  }
}

/** Checked with all the others by `Config.of`, which names every wrong one at once. */
function optionOf(name: SettingName): Option {
  const { flag, takes, env, means, default: value, defaultMeans }: Setting = SETTINGS[name];
  const otherwise = defaultMeans ?? value;
  const option = new Option(`--${flag} <${takes}>`, `${means} (${env}; default: ${otherwise})`);
  option.attributeName = () => name;
  return option;
}
