import { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';

/** The requests of the sidecar's contract. Fields that it does not know are ignored, as the sidecar did. */

/** Numbers of one vector; no model gives nearly as many. */
export const MOST_DIMENSIONS = 8192;

/** Numbers of all vectors of one request: more than a thousand of 192 dimensions. */
export const MOST_NUMBERS = 250_000;

function missing(...fields: string[]): (issue: { input?: unknown }) => string | undefined {
  const text = `Missing required field${fields.length > 1 ? 's' : ''}: ${fields.join(', ')}`;
  return ({ input }) => (input === undefined || input === null ? text : undefined);
}

function vector(name: string, ...required: string[]): z.ZodType<number[]> {
  const wrong = `${name} must be a list of finite numbers`;
  return z
    .array(z.number(wrong), { error: (issue) => missing(...required)(issue) ?? wrong })
    .min(1, `${name} must not be empty`)
    .max(MOST_DIMENSIONS, `${name} has more than ${MOST_DIMENSIONS} numbers`);
}

export const extract = z.looseObject({
  audio_path: z
    .string({ error: (issue) => missing('audio_path')(issue) ?? 'audio_path must be a string' })
    .min(1, 'Missing required field: audio_path'),
});

export const extractBatch = z.looseObject({
  audio_paths: z.array(z.unknown(), {
    error: (issue) => missing('audio_paths')(issue) ?? 'audio_paths must be a list',
  }),
});

export const similarity = z
  .looseObject({
    embedding1: vector('embedding1', 'embedding1', 'embedding2'),
    embedding2: vector('embedding2', 'embedding1', 'embedding2'),
  })
  .refine(({ embedding1, embedding2 }) => embedding1.length === embedding2.length, {
    error: ({ input }) => {
      const { embedding1: a, embedding2: b } = input as { embedding1: number[]; embedding2: number[] };
      return `embeddings must have the same length, not ${a.length} and ${b.length}`;
    },
  });

/** The list; its vectors are checked one by one, with `oneOfCentroid`. */
export const centroid = z.looseObject({
  embeddings: z
    .array(z.unknown(), {
      error: (issue) => missing('embeddings')(issue) ?? 'embeddings must be a list of lists',
    })
    .min(1, 'embeddings must not be empty'),
});

export const oneOfCentroid = vector('each of embeddings');

const sampleRate = z.preprocess(
  (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
  z.int('sample_rate must be a whole number of Hz').min(1, 'sample_rate must be positive'),
);

/** Raw PCM: 16-bit little-endian, mono. */
export const pcm = z.looseObject({
  audio_base64: z
    .string({ error: (issue) => missing('audio_base64')(issue) ?? 'audio_base64 must be a string' })
    .min(1, 'audio_base64 must not be empty'),
  sample_rate: sampleRate.optional().default(16_000),
});

export const form = z.looseObject({ sample_rate: sampleRate.optional() });

/** A list in JSON; its text in a form. */
export const reference = z.looseObject({
  centroid_embedding: z.preprocess(
    (value) => {
      if (typeof value !== 'string') return value;
      try {
        return JSON.parse(value) as unknown;
      } catch {
        return value;
      }
    },
    vector('centroid_embedding', 'centroid_embedding'),
  ),
});

/** The body as the schema has it. Errors: INVALID_ARGUMENT with the first thing that is wrong. */
export function read<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  return checked(schema, typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {});
}

/** The same of any value. */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new TimbreError('INVALID_ARGUMENT', result.error.issues[0]!.message);
  return result.data;
}
