import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LONGEST_INTERVAL, MOST_INTERVALS, SHORTEST_INTERVAL } from '../../addon/selection.js';
import type { Channel, Interval } from '../../addon/types.js';
import { MAX_FIELD_BYTES } from './form-parser.js';

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

/** Parts of one recording, in a form. */
export const intervalsField = {
  intervals: z
    .string()
    .max(MAX_FIELD_BYTES)
    .transform((text, context): Interval[] => {
      const parts = text.split(',').map((part) => /^\s*(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)\s*$/.exec(part));
      if (parts.every((part) => part !== null) && parts.length <= MOST_INTERVALS) {
        const intervals = parts.map(([, start, end]) => ({ start: Number(start), end: Number(end) }));
        intervals.sort((a, b) => a.start - b.start);
        const wrong = intervals.find(
          ({ start, end }, i) => end - start < SHORTEST_INTERVAL || start < (intervals[i - 1]?.end ?? 0),
        );
        if (!wrong && intervals.at(-1)!.end <= LONGEST_INTERVAL) return intervals;
      }
      context.addIssue({
        code: 'custom',
        message:
          `is of the form 12.5-18.2,40-45.5: seconds, intervals of ${SHORTEST_INTERVAL} s at least that are apart, ` +
          `${MOST_INTERVALS} at most`,
      });
      return z.NEVER;
    })
    .optional()
    .meta({
      maxLength: MAX_FIELD_BYTES,
      description:
        "The parts of the recording, which is one, that are the speaker's: seconds from its beginning, `12.5-18.2,40-45.5`. " +
        'Everything else of it is left out. Default: all of it.',
      example: '12.5-18.2,40-45.5',
    }),
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
export function contentOf(
  sha256: string,
  { channel, track: of, intervals }: OnePart & { intervals?: readonly Interval[] | undefined },
): string {
  const part = (channel === undefined || channel === 'mix') && of === undefined;
  if (part && !intervals) return sha256;
  const times = intervals ? ` intervals ${intervals.map(({ start, end }) => `${start}-${end}`).join()}` : '';
  return createHash('sha256')
    .update(`${sha256} channel ${channel ?? 'mix'} track ${of ?? 'default'}${times}`)
    .digest('hex');
}
