import type { IncomingMessage } from 'node:http';
import { rawRequest } from './request-context.js';

/** What lies before a call's own path in the address that was asked for: empty, or the prefix of the application. */
export function prefixOf(
  request: { originalUrl?: string; raw?: IncomingMessage } | IncomingMessage,
  path: string,
): string {
  const { originalUrl } = request as { originalUrl?: string };
  const [asked = ''] = (originalUrl ?? rawRequest(request).url ?? '').split('?', 1);
  const at = asked.lastIndexOf(path);
  return at > 0 ? asked.slice(0, at) : '';
}
