import { z } from 'zod';
import type { RetentionStatus } from './retention.js';

export const retentionView = z.object({
  state: z.enum(['running', 'paused']).meta({
    description: 'paused: the clock has left the last heartbeat by far, and nothing goes by age until it is confirmed.',
  }),
  heartbeat: z.iso.datetime().nullable().meta({ description: 'When the service last found the clock right.' }),
  now: z.iso.datetime().meta({ description: "The service's clock." }),
});

export type RetentionView = z.output<typeof retentionView>;

export function toRetentionView({ state, heartbeat, now }: RetentionStatus): RetentionView {
  return { state, heartbeat: heartbeat?.toISOString() ?? null, now: now.toISOString() };
}
