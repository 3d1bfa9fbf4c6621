import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Channel } from '../../addon/types.js';

/** What fields of a form, which are text, say about the part of a recording that is meant. */

const track = z
  .string()
  .max(3)
  .regex(/^\d{1,3}$/, 'is the number of an audio track, counted from 0')
  .transform(Number)
  .optional()
  .meta({
    description:
      'The audio track of a container with several, counted from 0. Default: the one it marks as its default.',
  });

/** For calls with one answer. */
export const onePart = {
  channel: z
    .string()
    .max(4)
    .regex(/^(mix|\d{1,2})$/, 'is "mix" or the number of a channel, counted from 0; this call has one answer')
    .transform((text): Exclude<Channel, 'each'> => (text === 'mix' ? text : Number(text)))
    .optional()
    .meta({ description: '`mix` (the default): all channels, mixed down; a number: that channel, counted from 0.' }),
  track,
};

/** For calls that can answer for every channel. */
export const everyPart = {
  channel: z
    .string()
    .max(4)
    .regex(/^(mix|each|\d{1,2})$/, 'is "mix", "each" or the number of a channel, counted from 0')
    .transform((text): Channel => (text === 'mix' || text === 'each' ? text : Number(text)))
    .optional()
    .meta({
      description:
        '`mix` (the default): all channels, mixed down; `each`: a result for every channel; a number: that channel, ' +
        'counted from 0.',
    }),
  track,
};

export const onePartFields = z.strictObject(onePart);
export const everyPartFields = z.strictObject(everyPart);

export type OnePart = z.output<typeof onePartFields>;
export type EveryPart = z.output<typeof everyPartFields>;

/** Without what was left open, for the engine's options. */
export function chosen<C extends Channel>({
  channel,
  track: of,
}: {
  channel?: C | undefined;
  track?: number | undefined;
}): {
  channel?: C;
  track?: number;
} {
  return { ...(channel === undefined ? {} : { channel }), ...(of === undefined ? {} : { track: of }) };
}

/** Which recording this is: the file, and the part of it where one was chosen. Hexadecimal SHA-256. */
export function contentOf(sha256: string, { channel, track: of }: OnePart): string {
  if ((channel === undefined || channel === 'mix') && of === undefined) return sha256;
  return createHash('sha256')
    .update(`${sha256} channel ${channel ?? 'mix'} track ${of ?? 'default'}`)
    .digest('hex');
}
