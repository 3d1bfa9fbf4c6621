import { Injectable, Logger } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { TimbreError } from '../../errors/timbre-error.js';
import { keyIdOf } from './api-key.js';

/** The same key from the same address is a line of the log this often at most. */
const AGAIN_MS = 10_000;

/** Keys and addresses remembered; beyond, the oldest is a line again. */
const MOST_REMEMBERED = 1000;

/** Says in the log which key was refused to whom; never the key itself. */
@Injectable()
export class RefusedKeys {
  private readonly logger = new Logger('Access');
  private readonly told = new Map<string, { at: number; since: number }>();

  note({ socket, headers }: IncomingMessage, text: string, { code, message }: TimbreError): void {
    const key = keyIdOf(text) ?? 'no key of this service';
    const address = socket.remoteAddress ?? 'a local socket';
    const who = `${key} ${address}`;
    const before = this.told.get(who);
    if (before && performance.now() - before.at < AGAIN_MS) {
      before.since++;
      return;
    }
    this.told.delete(who);
    this.told.set(who, { at: performance.now(), since: 0 });
    for (const oldest of this.told.keys()) {
      if (this.told.size <= MOST_REMEMBERED) break;
      this.told.delete(oldest);
    }
    const forwarded = headers['x-forwarded-for'];
    this.logger.warn({
      key,
      address,
      code,
      ...(forwarded === undefined ? {} : { saysForwardedFor: String(forwarded).slice(0, 80) }),
      ...(before?.since ? { alsoBefore: before.since } : {}),
      msg: `an API key was refused: ${message}`,
    });
  }
}
