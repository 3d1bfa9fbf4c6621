import { PinoPretty } from 'pino-pretty';
import type { DestinationStream } from 'pino';
import type { Writable } from 'node:stream';

/** Log lines for people at a terminal. */
export function pretty(stream: DestinationStream): DestinationStream {
  return PinoPretty({
    destination: stream as unknown as Writable,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'room',
    messageFormat: '{if room}{room}: {end}{msg}',
    singleLine: true,
    sync: true,
  });
}
