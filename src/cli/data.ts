import { Option, type Command } from 'commander';
import { Config } from '../service/config/config.js';
import { SETTINGS } from '../service/config/settings.js';
import type { Cli } from './cli.js';
import { service } from './local-service.js';

interface Options {
  dataDir?: string;
  json?: true;
}

export function register(program: Command, cli: Cli): void {
  const { env, default: otherwise, means } = SETTINGS.dataDir;
  const data = program
    .command('data')
    .description('the database of a service that is stopped')
    .addHelpText('after', '\nExample:\n  timbre data acknowledge-restore');
  data
    .command('acknowledge-restore')
    .description('go on with a database that is older than it was: a backup that was restored')
    .addOption(new Option('--data-dir <dir>', `${means} (${env}; default: ${otherwise})`))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
What was withdrawn, revoked or erased after the backup is there again: look at it before the service is started. The
audit trail says that this was run.

Example:
  timbre data acknowledge-restore --data-dir /var/lib/timbre`,
    )
    .action(async (options: Options) => {
      const config = Config.of(options.dataDir === undefined ? {} : { dataDir: options.dataDir }, cli.env);
      const { acknowledgeRestore } = await service();
      await acknowledgeRestore(config);
      if (options.json) await cli.json({ acknowledged: true });
      else cli.note(`the database in ${config.dataDir} is the one to go on with`);
    });
}
