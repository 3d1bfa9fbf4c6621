import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { Config } from '../service/config/config.js';
import type { RotationView } from '../service/data-keys/data-keys.dto.js';
import type { Cli } from './cli.js';
import { service } from './local-service.js';
import type { Progress } from './progress.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

const POLL_MS = 500;

/** `timbre keys rotate-data`, as a part of `timbre keys`. */
export function registerRotateData(keys: Command, cli: Cli): void {
  addServiceOptions(keys.command('rotate-data').description('re-encrypt all voice embeddings with a new data key'))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Asks a running service, which goes on working meanwhile. Cut off at any moment, nothing is lost: the same command goes
on where it stopped, and so does the service at its start.

Backups made before need the old key: it is kept in data.key.retired, beside the key, until \`timbre keys forget-retired\`.

Examples:
  timbre keys rotate-data
  timbre keys rotate-data --data-dir /var/lib/timbre`,
    )
    .action(async (options: Options) => {
      const total = options.dataDir === undefined ? await ask(cli, options) : await rotateHere(cli, options.dataDir);
      if (options.json) await cli.json({ rotated: true, vectors: total });
      else cli.note(`${total} voice embeddings and profiles are encrypted with the new data key`);
    });
}

async function ask(cli: Cli, options: Options): Promise<number> {
  const client = new ServiceClient(cli, options);
  let now: RotationView = await client.call('rotateDataKey');
  const progress = cli.progress('re-encrypting', now.total, 'vectors');
  try {
    while (now.state === 'running') {
      progress.update(now.done);
      await delay(POLL_MS, undefined, { signal: cli.signal }).catch((cause: unknown) => {
        throw new TimbreError('ABORTED', 'cancelled; the service goes on', { cause });
      });
      now = await client.call('getDataKeyRotation');
    }
    progress.update(now.done);
  } finally {
    progress.stop();
  }
  if (now.state === 'failed')
    throw new TimbreError('STORAGE_UNAVAILABLE', `the rotation stopped: ${now.failure ?? ''}`);
  return now.total;
}

async function rotateHere(cli: Cli, dataDir: string): Promise<number> {
  const config = Config.of({ dataDir }, cli.env);
  const local = await service();
  let progress: Progress | undefined;
  try {
    return await local.rotateHere(config, {
      signal: cli.signal,
      begun: (total) => (progress = cli.progress('re-encrypting', total, 'vectors')),
      done: (vectors) => progress?.update(vectors),
    });
  } finally {
    progress?.stop();
  }
}
