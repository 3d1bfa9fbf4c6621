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
  program
    .command('backup')
    .description('a copy of the database in one file; the service may be running')
    .argument('<file>', 'the copy; must not be there')
    .addOption(new Option('--data-dir <dir>', `${means} (${env}; default: ${otherwise})`))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The data key is not in it: without the key its voice embeddings cannot be read. Keep a copy of the key elsewhere.
docs/operations.md says how to restore.

Example:
  timbre backup /backups/voices-2026-03-01.sqlite`,
    )
    .action(async (file: string, options: Options) => {
      const config = Config.of(options.dataDir === undefined ? {} : { dataDir: options.dataDir }, cli.env);
      const { backUp } = await service();
      const bytes = await backUp(config, file);
      const key = config.dataKey ? 'TIMBRE_DATA_KEY' : config.dataKeyFile;
      if (options.json) await cli.json({ file, bytes, keyIncluded: false, key });
      else cli.note(`${file}: ${bytes} bytes. The data key is not in it: keep a copy of ${key} elsewhere.`);
    });
}
