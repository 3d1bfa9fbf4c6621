import { Option } from 'commander';
import type { Service } from '../service/app/service.js';
import type { Cli } from './cli.js';

/** `--data-dir`, of the commands that otherwise ask a running service. */
export function dataDirOption(): Option {
  return new Option(
    '--data-dir <folder>',
    'no service: work on the database in this folder, with the model of TIMBRE_MODEL, in this process',
  ).conflicts(['url', 'keyFile']);
}

/**
 * The service on a folder, in this process, for this command alone: what it does is the same, and nobody else may have
 * the folder meanwhile. Closed when the command ends. Errors: those of the configuration, the storage and the model.
 */
export async function startLocally(cli: Cli, dataDir: string): Promise<string> {
  const [{ startService }, { Config }, { createLog }] = await Promise.all([
    import('../service/app/service.js'),
    import('../service/config/config.js'),
    import('../service/http/logging.js'),
  ]);
  const own = { dataDir, host: '127.0.0.1', port: 0, sidecarPort: 'off', requireKeys: 'auto', rateLimit: 0 } as const;
  const config = Config.of({ logLevel: 'error', ...own }, cli.env);
  const service: Service = await startService(config, createLog(config.logLevel, cli.log));
  cli.atEnd(() => service.close());
  await service.ready();
  return service.url;
}
