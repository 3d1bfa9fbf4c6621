import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationStream, Logger } from 'pino';
import { createLog } from '../http/logging.js';
import type { Config } from '../config/config.js';
import { startService, type Service } from './service.js';

/** Beyond the time that requests under way get. */
const CLOSE_MS = 15_000;

export interface ServeOptions {
  /** Stops the service when aborted. */
  signal: AbortSignal;
  /** Where the log goes. */
  log: DestinationStream & { isTTY?: boolean };
  /** Gets a link that signs in once, when the service is ready; the log never does. */
  signInLink?: (url: string) => void;
}

/**
 * Runs the service until it is told to stop. Throws where it cannot become ready: a supervisor shall see that, and no
 * waiting would change it. (A model that cannot be fetched yet is no such case: it is tried again.)
 */
export async function serve(config: Config, { signal, log: stream, signInLink }: ServeOptions): Promise<void> {
  const log = createLog(config.logLevel, stream);
  const service = await startService(config, log);
  try {
    log.info({ url: service.url }, `the API listens on ${service.url}, its documentation is ${service.url}/docs`);
    if (service.sidecarUrl) log.info({ url: service.sidecarUrl }, `the sidecar's calls are on ${service.sidecarUrl}`);
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([service.ready(), stopped]);
    if (!signal.aborted && signInLink) signInLink(await service.signInLink());
    await stopped;
    log.info('stopping');
  } finally {
    await closed(service, config, log);
  }
}

/** Waits for the end, and no longer than it may take: what then hangs on ends with the process. */
async function closed(service: Service, { drainSeconds, leaveSeconds }: Config, log: Logger): Promise<void> {
  const stop = new AbortController();
  const late = delay((leaveSeconds + drainSeconds) * 1000 + CLOSE_MS, 'late' as const, {
    signal: stop.signal,
    ref: false,
  });
  const end = await Promise.race([service.close(), late.catch(() => undefined)]);
  stop.abort();
  if (end === 'late') log.fatal('the service does not come to its end; the process ends all the same');
  else log.info('stopped');
}
