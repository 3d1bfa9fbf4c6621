import { TimbreError } from '../../errors/timbre-error.js';
import type { Config } from '../config/config.js';
import { resolvesToLoopback } from './loopback.js';

type Exposure = Pick<Config, 'host' | 'requireKeys' | 'corsOrigins'>;

/** Refuses to open a service that asks for no keys to others. Errors: INVALID_ARGUMENT with the remedy. */
export async function checkExposure({ host, requireKeys, corsOrigins }: Exposure): Promise<void> {
  const wrong = (why: string): TimbreError => new TimbreError('INVALID_ARGUMENT', why);
  if (requireKeys === 'application') {
    throw wrong('TIMBRE_REQUIRE_KEYS cannot be "application" here: no application is around the service to guard it');
  }
  if (requireKeys !== 'never') return;
  if (!(await resolvesToLoopback(host))) {
    throw wrong(`HOST is ${host}, which others can reach: TIMBRE_REQUIRE_KEYS cannot be "never" there`);
  }
  if (corsOrigins.length > 0) {
    throw wrong('pages of TIMBRE_CORS_ORIGINS need a key: TIMBRE_REQUIRE_KEYS cannot be "never" with them');
  }
}
