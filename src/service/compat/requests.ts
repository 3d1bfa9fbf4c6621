import { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';

/** The requests of the sidecar's contract. Fields that it does not know are ignored, as the sidecar did. */

function missing(...fields: string[]): (issue: { input?: unknown }) => string | undefined {
  const text = `Missing required field${fields.length > 1 ? 's' : ''}: ${fields.join(', ')}`;
  return ({ input }) => (input === undefined || input === null ? text : undefined);
}

function vector(name: string, ...required: string[]): z.ZodType<number[]> {
  const wrong = `${name} must be a list of finite numbers`;
  return z
    .array(z.number(wrong), { error: (issue) => missing(...required)(issue) ?? wrong })
    .min(1, `${name} must not be empty`);
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

export const centroid = z
  .looseObject({
    embeddings: z
      .array(vector('each of embeddings'), {
        error: (issue) => missing('embeddings')(issue) ?? 'embeddings must be a list of lists',
      })
      .min(1, 'embeddings must not be empty'),
  })
  .refine(({ embeddings }) => embeddings.every(({ length }) => length === embeddings[0]!.length), {
    error: 'embeddings must all have the same length',
  });

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
  const object = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
  const result = schema.safeParse(object);
  if (!result.success) throw new TimbreError('INVALID_ARGUMENT', result.error.issues[0]!.message);
  return result.data;
}
