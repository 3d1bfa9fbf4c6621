import type { IncomingMessage } from 'node:http';
import { networkOf } from '../../support/network.js';
import { contextOf, rawRequest } from './request-context.js';

/** Who sends a request, as places are shared: the API key it was let in with, or else the client's address. */
export function sourceOf(request: { raw?: IncomingMessage } | IncomingMessage): string {
  const { keyId } = contextOf(request);
  return keyId === null ? `address ${networkOf(rawRequest(request).socket.remoteAddress ?? '')}` : `key ${keyId}`;
}
