import type { IncomingMessage } from 'node:http';

/** Milliseconds for which a refused client may go on sending, so that it reads the answer instead of a broken pipe. */
const LINGER_MS = 2000;

/** Reads on for a moment what a refused client still sends, and drops it. */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
}
