import { TimbreClient } from '../../client/index.js';
import type { Session } from '../session/session.js';

/** The service that this page came from: the page lies at its root, below whatever prefix. */
export function serviceAddress(): string {
  return new URL('.', document.baseURI).href.replace(/\/$/, '');
}

export function clientOf(session: Session): TimbreClient {
  return new TimbreClient({ url: serviceAddress(), key: session.key, attempts: 3 });
}
