import { z } from 'zod';

const errorOfItem = z.object({ code: z.string(), message: z.string() });

const quality = z.object({
  snrDb: z
    .number()
    .nullable()
    .meta({ description: 'Signal-to-noise ratio, dB; null where nothing but speech is there.' }),
  clippedShare: z.number().meta({ description: 'Share of samples at full scale.' }),
  bandwidthHz: z.number().meta({ description: 'Highest frequency that carries signal.' }),
  levelDb: z.number().meta({ description: 'Level of the speech, dB relative to full scale.' }),
});

const timings = z
  .object({
    queue: z.number(),
    decode: z.number(),
    resample: z.number(),
    speech: z.number(),
    features: z.number(),
    model: z.number(),
    total: z.number(),
  })
  .meta({ description: 'Milliseconds of each stage.' });

/** What is known about one recording apart from its embedding. */
export const recordingView = z.object({
  filename: z.string(),
  sha256: z.string(),
  audio: z.object({
    seconds: z.number(),
    sampleRate: z.int(),
    channels: z.int(),
    format: z.string(),
  }),
  speech: z.object({ seconds: z.number().meta({ description: 'Net speech.' }) }),
  quality,
});

const embedded = recordingView.extend({
  index: z.int().meta({ description: 'Position among the uploads.' }),
  embedding: z.array(z.number()).meta({ description: 'As the model gives it, not length-normalised.' }),
  timings,
});

const failed = z.object({ index: z.int(), filename: z.string(), error: errorOfItem });

export const embeddingsView = z.object({
  model: z.string().meta({ description: 'Embeddings of different models cannot be compared.' }),
  dimension: z.int(),
  results: z.array(z.union([embedded, failed])).meta({ description: 'One per upload, in their order.' }),
});

export const comparisonView = z.object({
  cosine: z.number().meta({ description: 'Cosine of the two embeddings, in [-1, 1].' }),
  llr: z.number().nullable().meta({ description: 'Log-likelihood ratio; null where the model is not calibrated.' }),
  probability: z
    .number()
    .nullable()
    .meta({ description: 'Of "same speaker", at even odds; null without calibration.' }),
  threshold: z
    .number()
    .nullable()
    .meta({ description: 'The cosine that had to be reached; null where none is known.' }),
  falseAcceptRate: z.number().nullable().meta({ description: 'Share of impostors that the threshold accepts.' }),
  decision: z.enum(['ACCEPT', 'REJECT']).nullable(),
  model: z.string(),
  a: recordingView,
  b: recordingView,
});

export type EmbeddingsView = z.output<typeof embeddingsView>;
export type ComparisonView = z.output<typeof comparisonView>;
export type RecordingView = z.output<typeof recordingView>;
