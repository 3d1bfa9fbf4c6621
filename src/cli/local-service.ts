import { Option } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { servicePackages } from '../support/package.js';
import { Config } from '../service/config/config.js';
import type { Cli } from './cli.js';

/**
 * The service's own entry, loaded by the commands that need it alone: it takes a second, and packages that are not
 * installed with this one. Errors: INVALID_ARGUMENT that names those that are missing.
 */
export const service = async () => {
  try {
    return await import('../service/app/command-line.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const missing = Object.entries(servicePackages()).filter(([name]) => !isInstalled(name));
    if (missing.length === 0) throw error;
    const names = missing.map(([name, range]) => `'${name}@${range}'`).join(' ');
    const text = `the service needs packages that are not installed; run npm install ${names}`;
    throw new TimbreError('INVALID_ARGUMENT', text, { cause: error });
  }
};

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

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
export async function startLocally(cli: Cli, dataDir: string): Promise<{ url: string; key: string }> {
  const { startService, createLog } = await service();
  const own = { dataDir, host: '127.0.0.1', port: 0, sidecarPort: 'off', requireKeys: 'always', rateLimit: 0 } as const;
  const config = Config.of({ logLevel: 'error', ...own }, cli.env);
  const running = await startService(config, createLog(config.logLevel, cli.log));
  cli.atEnd(() => running.close());
  await running.ready();
  return { url: running.url, key: running.grant('local') };
}
