import { z } from 'zod';
import { askedRate } from '../access/asked-rate.js';
import { THRESHOLD_SOURCES } from '../../scoring/decision-policy.js';
import { everyPart, onePart } from '../uploads/selection.js';

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

/** What a recording was before it was mixed down and resampled. */
export const audioView = z.object({
  seconds: z.number().meta({ description: 'Of audio that is there.' }),
  sampleRate: z.int(),
  channels: z.int(),
  channel: z
    .union([z.literal('mix'), z.int()])
    .meta({ description: 'What was embedded: all channels mixed down, or the channel with this number.' }),
  channelsCancel: z.boolean().meta({
    description: 'The channels cancel each other when they are mixed (opposite phase): the strongest was taken.',
  }),
  channelsAlike: z.boolean().meta({
    description: 'All channels hold the same; false also where only one of them was looked at.',
  }),
  tracks: z.int().meta({ description: 'Audio tracks of the container.' }),
  track: z.int().meta({ description: 'The one that was taken, counted from 0.' }),
  format: z.string().meta({ description: 'Container and codec.', example: 'WAV/PCM_16' }),
  complete: z.boolean().meta({ description: 'Whether the recording is whole, as far as its container tells.' }),
  incomplete: z
    .object({
      reason: z.enum(['TRUNCATED', 'DAMAGED', 'GAPS', 'GROWING']).meta({
        description:
          'TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time ' +
          'stamps pass over audio that is not there. GROWING: the file was still being written.',
      }),
      missingSeconds: z.number().nullable().meta({ description: 'Null where the container does not tell.' }),
      message: z.string(),
    })
    .nullable()
    .meta({ description: 'What is missing; null where it is complete.' }),
});

/** What is known about one recording apart from its embedding. */
export const recordingView = z.object({
  filename: z.string(),
  sha256: z.string(),
  audio: audioView,
  speech: z.object({ seconds: z.number().meta({ description: 'Net speech.' }) }),
  embedded: z
    .object({ seconds: z.number(), pauses: z.enum(['cut', 'keep']) })
    .meta({ description: 'What the model was given: `cut` is the speech with pauses of natural length.' }),
  quality,
});

const embedded = recordingView.extend({
  index: z.int().meta({ description: 'Position among the uploads.' }),
  channel: z.int().optional().meta({ description: 'Only with `channel=each`: the channel, counted from 0.' }),
  embedding: z.array(z.number()).meta({ description: 'As the model gives it, not length-normalised.' }),
  timings,
});

const failed = z.object({
  index: z.int(),
  channel: z.int().optional().meta({ description: 'Only with `channel=each`: the channel, counted from 0.' }),
  filename: z.string(),
  error: errorOfItem,
});

const pauses = z
  .enum(['cut', 'keep'])
  .optional()
  .meta({
    description:
      '`cut`: long pauses are taken out by the rule of the model; `keep`: they are not, which gives embeddings of ' +
      'another `model`, that do not compare with the others. Default: what the model does by itself.',
  });

/** What a form may say beside its recordings. */
export const embeddingFields = z.strictObject({ ...everyPart, pauses });
export const comparisonFields = z.strictObject({ ...onePart, ...askedRate, pauses });

export type EmbeddingFields = z.output<typeof embeddingFields>;
export type ComparisonFields = z.output<typeof comparisonFields>;

export const embeddingsView = z.object({
  model: z.string().meta({ description: 'Embeddings of different models cannot be compared.' }),
  dimension: z.int(),
  results: z
    .array(z.union([embedded, failed]))
    .meta({ description: 'One per upload, in their order; with `channel=each` one for each of its channels.' }),
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
  thresholdFrom: z.enum(THRESHOLD_SOURCES).nullable().meta({ description: 'As in the score of a verification.' }),
  falseAcceptRate: z.number().nullable().meta({ description: 'Share of impostors that the threshold accepts.' }),
  extrapolated: z.boolean().nullable().meta({ description: 'As in the score of a verification.' }),
  decision: z.enum(['ACCEPT', 'REJECT']).nullable(),
  model: z.string(),
  a: recordingView,
  b: recordingView,
});

export type EmbeddingsView = z.output<typeof embeddingsView>;
export type ComparisonView = z.output<typeof comparisonView>;
export type RecordingView = z.output<typeof recordingView>;
