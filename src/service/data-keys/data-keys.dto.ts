import { z } from 'zod';
import { ROTATION_STATES, type RotationStatus } from './data-keys.js';

export const rotationView = z.object({
  state: z.enum(ROTATION_STATES).meta({
    description: '`failed`: it stopped for the reason in `failure`; starting it again goes on from there.',
    example: 'running',
  }),
  done: z.int().meta({ description: 'Vectors under the current key.', example: 1200 }),
  total: z.int().meta({ description: 'All vectors.', example: 5000 }),
  keys: z.int().meta({ description: 'Data keys in use: 1, or more until a rotation is finished.', example: 2 }),
  finishedAt: z.iso.datetime().nullable().meta({ description: 'Since the service started.' }),
  failure: z.string().nullable(),
});

export type RotationView = z.output<typeof rotationView>;

export function toRotationView({ finishedAt, ...status }: RotationStatus): RotationView {
  return { ...status, finishedAt: finishedAt?.toISOString() ?? null };
}
