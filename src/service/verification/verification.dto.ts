import { z } from 'zod';
import { askedRate } from '../access/asked-rate.js';
import { recordingView } from '../embeddings/embeddings.dto.js';
import { THRESHOLD_SOURCES } from '../../scoring/decision-policy.js';
import { LEARNING_REFUSALS } from '../records/learning.js';
import { ENROLLMENT_STATUSES } from '../records/profile.js';
import type { Score } from '../../scoring/scorer.js';
import { onePart } from '../uploads/selection.js';

export const VERIFY_DECISIONS = ['ACCEPT', 'REJECT', 'NOT_ENOUGH_SPEECH', 'NOT_ENROLLED', 'OPTED_OUT'] as const;

/** The form beside the recording; its fields are text. */
export const verifyFields = z.strictObject({ ...onePart, ...askedRate });

export type VerifyFields = z.output<typeof verifyFields>;

/** The numbers behind a decision. */
export const scoreView = z.object({
  cosine: z.number().meta({ description: 'Of the recording and the profile, in [-1, 1].', example: 0.71 }),
  llr: z.number().nullable().meta({
    description: 'Log-likelihood ratio of "same speaker"; null where the model is not calibrated.',
    example: 4.2,
  }),
  probability: z.number().nullable().meta({
    description: 'Of "same speaker", at even odds; null where the model is not calibrated.',
    example: 0.985,
  }),
  threshold: z.number().nullable().meta({
    description: 'The cosine that had to be reached; null where the model brings none.',
    example: 0.42,
  }),
  thresholdFrom: z
    .enum(THRESHOLD_SOURCES)
    .nullable()
    .meta({
      description:
        'Where the threshold is from: `calibration`, learned from trials; `published`, by the publisher of the model; ' +
        '`option`, set by whoever runs the service. Null without one.',
    }),
  falseAcceptRate: z.number().nullable().meta({
    description: 'Share of impostors that the threshold accepts; null where none was learned.',
    example: 0.01,
  }),
  extrapolated: z.boolean().nullable().meta({
    description:
      'Whether the rate lies beyond what the trials of the calibration can show; null where that is not known.',
  }),
});

export const verificationView = z.object({
  speakerId: z.string(),
  decision: z
    .enum(VERIFY_DECISIONS)
    .nullable()
    .meta({
      description:
        'NOT_ENOUGH_SPEECH: the recording has too little to decide on. NOT_ENROLLED: the speaker has too little enrolled. ' +
        'OPTED_OUT: the speaker has withdrawn consent; nothing was compared. ' +
        'Null where the model brings no threshold: run `timbre calibrate`.',
    }),
  missingSpeechSeconds: z.number().nullable().meta({
    description: 'With NOT_ENOUGH_SPEECH: seconds of speech that the recording lacks; else null.',
    example: 0.6,
  }),
  score: scoreView.nullable().meta({ description: 'Null where nothing was compared.' }),
  model: z.string(),
  enrollmentStatus: z.enum(ENROLLMENT_STATUSES),
  remainingEnrollmentsSpeechLengthInSec: z.number(),
  confidence: z.number().meta({ description: 'Of the profile, in [0, 1].' }),
  verificationId: z.uuid().nullable().meta({
    description:
      "By which `POST /v1/verifications/{id}/confirm` says that the recording is the speaker's; null where nothing waits for that.",
  }),
  confirmUntil: z.iso.datetime().nullable(),
  learning: z
    .object({
      learned: z.boolean(),
      reason: z.enum(LEARNING_REFUSALS).nullable().meta({ description: 'Why it was not learned; null where it was.' }),
      ledgerEntry: z.uuid().nullable().meta({ description: 'By which it is undone.' }),
    })
    .nullable()
    .meta({
      description: 'What the profile learned of it; null where the profile does not learn, or nothing was compared.',
    }),
  recording: recordingView
    .nullable()
    .meta({ description: 'Null where the speaker is not enrolled or has opted out: it was not heard.' }),
});

export type ScoreView = z.output<typeof scoreView>;
export type VerificationView = z.output<typeof verificationView>;

/** All of a score but its decision, which answers have in a place of their own. */
export function toScoreView({ decision: _, ...score }: Score): ScoreView {
  return score;
}
