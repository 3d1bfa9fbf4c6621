import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { TimbreError } from '../../errors/timbre-error.js';

/**
 * Keeps web pages off a service that asks for no key: any page that somebody on this machine opens could send forms to
 * it, and one whose name is made to resolve to this machine could read the answers.
 * Errors: FORBIDDEN_ORIGIN.
 */
export function checkOrigin(
  { origin, host }: IncomingHttpHeaders,
  { corsOrigins, host: bound }: { corsOrigins: readonly string[]; host: string },
): void {
  const here = parse(`http://${host ?? bound}`);
  const known = [bound, ...corsOrigins.map((allowed) => parse(allowed)?.hostname)];
  if (!here || !(isThisMachine(here.hostname) || known.includes(here.hostname))) {
    throw new TimbreError(
      'FORBIDDEN_ORIGIN',
      `the service answers to no name ${JSON.stringify((host ?? '').slice(0, 200))}: call it by its address, name the ` +
        'origin in TIMBRE_CORS_ORIGINS, or set TIMBRE_REQUIRE_KEYS to "always" and send a key',
    );
  }
  if (origin === undefined || corsOrigins.includes(origin) || parse(origin)?.host === here.host) return;
  throw new TimbreError(
    'FORBIDDEN_ORIGIN',
    `pages of ${JSON.stringify(origin.slice(0, 200))} may not call the service: name the origin in TIMBRE_CORS_ORIGINS`,
  );
}

function isThisMachine(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || /^(.+\.)?localhost$/.test(hostname);
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
