import { z } from 'zod';
import { RATE_BOUNDS } from '../../scoring/impostor-tail.js';

const rate = z.number().min(RATE_BOUNDS.least).max(RATE_BOUNDS.most);

export const setWatch = z.strictObject({
  falseAcceptRate: rate.meta({
    description:
      'Share of voices of people who are not on the list that may be reported, whatever the number of members.',
    example: 0.001,
  }),
});

export const watchView = z.object({
  group: z.string().meta({ example: 'banned-callers' }),
  falseAcceptRate: rate.nullable().meta({ description: 'Null: the group is no watch list.', example: 0.001 }),
});

export type WatchView = z.output<typeof watchView>;
