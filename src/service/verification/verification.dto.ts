import { z } from 'zod';
import { recordingView } from '../embeddings/embeddings.dto.js';
import { ENROLLMENT_STATUSES } from '../records/profile.js';
import type { Score } from '../../scoring/scorer.js';

export const VERIFY_DECISIONS = ['ACCEPT', 'REJECT', 'NOT_ENOUGH_SPEECH', 'NOT_ENROLLED', 'OPTED_OUT'] as const;

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
  falseAcceptRate: z.number().nullable().meta({
    description: 'Share of impostors that the threshold accepts.',
    example: 0.01,
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
  score: scoreView.nullable().meta({ description: 'Null where nothing was compared.' }),
  model: z.string(),
  enrollmentStatus: z.enum(ENROLLMENT_STATUSES),
  remainingEnrollmentsSpeechLengthInSec: z.number(),
  confidence: z.number().meta({ description: 'Of the profile, in [0, 1].' }),
  recording: recordingView
    .nullable()
    .meta({ description: 'Null where the speaker is not enrolled or has opted out: it was not heard.' }),
});

export type ScoreView = z.output<typeof scoreView>;
export type VerificationView = z.output<typeof verificationView>;

export function toScoreView({ cosine, llr, probability, threshold, falseAcceptRate }: Score): ScoreView {
  return { cosine, llr, probability, threshold, falseAcceptRate };
}
