import { TimbreError } from '../../errors/timbre-error.js';
import type { Config } from '../config/config.js';
import type { KeyRing } from './key-ring.js';
import { resolvesToLoopback } from './loopback.js';

type Exposure = Pick<Config, 'host' | 'requireKeys' | 'dataDir'>;

/**
 * Refuses to open a service to others that has no key, or asks for none. Errors: INVALID_ARGUMENT with the remedy;
 * those of the storage.
 */
export async function checkExposure({ host, requireKeys, dataDir }: Exposure, keys: KeyRing): Promise<void> {
  const local = await resolvesToLoopback(host);
  if (!local && requireKeys === 'never') {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `HOST is ${host}, which others can reach: TIMBRE_REQUIRE_KEYS cannot be "never" there`,
    );
  }
  if ((local && requireKeys !== 'always') || (await keys.holdsAny())) return;
  const reason = local ? 'TIMBRE_REQUIRE_KEYS is "always"' : `HOST is ${host}, which others can reach`;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `${reason}, but ${dataDir} holds no API key that works: make one first,\n` +
      `  timbre keys create --name first --scope admin --data-dir ${dataDir}\n` +
      'or bind the service to this machine alone (HOST=127.0.0.1)',
  );
}
