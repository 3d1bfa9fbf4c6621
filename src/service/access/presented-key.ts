import type { IncomingHttpHeaders } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';
import { KEY_PREFIX } from './api-key.js';

export const KEY_HEADER = 'x-api-key';

/**
 * The API key that a request brings, in `Authorization: Bearer` or `X-API-Key`. Credentials of other programs are
 * nothing of ours, so that the application around this module may have its own. Errors: UNAUTHENTICATED for two keys.
 */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const header = headers[KEY_HEADER];
  const [first, ...others] = [bearer, header].filter(
    (text): text is string => typeof text === 'string' && text.startsWith(KEY_PREFIX),
  );
  if (others.some((text) => text !== first)) {
    throw new TimbreError('UNAUTHENTICATED', 'the request brings two different API keys; send one');
  }
  return first;
}
