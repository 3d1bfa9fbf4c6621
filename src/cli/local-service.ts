import { Option } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { missingServicePackages, toInstall } from './service-packages.js';
import { Config } from '../service/config/config.js';
import type { Cli } from './cli.js';

/**
 * The service's own entry, loaded by the commands that need it alone: it takes a second, and packages that are not
 * installed with this one. Errors: INVALID_ARGUMENT that names those that are missing, ADDON_UNAVAILABLE where the
 * database's code is not compiled.
 */
export const service = async () => {
  try {
    return await import('../service/app/command-line.js');
  } catch (error) {
    const text = whatTheServiceLacks(error as NodeJS.ErrnoException);
    if (text === undefined) throw error;
    const code = text.startsWith('sqlite3') ? 'ADDON_UNAVAILABLE' : 'INVALID_ARGUMENT';
    throw new TimbreError(code, text, { cause: error });
  }
};

function whatTheServiceLacks({ code, message }: NodeJS.ErrnoException): string | undefined {
  if (/^Could not locate the bindings file/.test(message)) return 'sqlite3 is not compiled; run npx timbre setup';
  const missing = code === 'ERR_MODULE_NOT_FOUND' ? missingServicePackages() : [];
  if (missing.length === 0) return undefined;
  return `the service needs packages that are not installed; run ${toInstall(missing)}`;
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
