import { z } from 'zod';
import { askedRate } from '../access/asked-rate.js';
import { THRESHOLD_SOURCES } from '../../scoring/decision-policy.js';
import { MAX_FIELD_BYTES } from '../uploads/form-parser.js';
import { LONGEST_GROUP_ID } from '../records/group.js';
import { onePart } from '../uploads/selection.js';
import { recordingView } from '../embeddings/embeddings.dto.js';
import { scoreView } from '../verification/verification.dto.js';

export const IDENTIFY_DECISIONS = ['ACCEPT', 'REJECT', 'AMBIGUOUS', 'NOT_ENOUGH_SPEECH', 'NOT_ENROLLED'] as const;

const MAX_CANDIDATES = 1000;

/** Whom a search is among, in a form. */
export const searchedPeople = {
  group: z
    .string()
    .optional()
    .meta({
      maxLength: LONGEST_GROUP_ID,
      description:
        'Id of the group whose members are searched; with `candidates`, those of them who belong to it. Default: everybody, and for ' +
        'a key that is bound to groups their members.',
      example: 'household-7',
    }),
  candidates: z
    .string()
    .transform((text) =>
      [...new Set(text.split(',').map((id) => id.trim().normalize('NFC')))].filter((id) => id !== ''),
    )
    .refine((ids) => ids.length > 0, 'names nobody; leave it out to search everybody')
    .refine((ids) => ids.length <= MAX_CANDIDATES, `names more than ${MAX_CANDIDATES} speakers`)
    .optional()
    .meta({
      maxLength: MAX_FIELD_BYTES,
      description: 'Ids of the speakers to choose among, separated by commas. Default: everybody enrolled.',
    }),
};

/** The form beside the recording; its fields are text. */
export const identifyFields = z.strictObject({
  ...onePart,
  ...askedRate,
  top: z.coerce.number().int().min(1).max(50).default(5).meta({ description: 'Speakers in the ranking.' }),
  ...searchedPeople,
});

export const identificationView = z.object({
  decision: z
    .enum(IDENTIFY_DECISIONS)
    .nullable()
    .meta({
      description:
        'ACCEPT: it is the first of the ranking. REJECT: it is none of the candidates. AMBIGUOUS: it is one of the ' +
        'first two, who are too close to name one. NOT_ENOUGH_SPEECH: too little to decide on. NOT_ENROLLED: no candidate is enrolled. Null where the model brings no threshold.',
    }),
  missingSpeechSeconds: z.number().nullable().meta({
    description: 'With NOT_ENOUGH_SPEECH: seconds of speech that the recording lacks; else null.',
    example: 0.6,
  }),
  speakerId: z.string().nullable().meta({ description: 'Who it is; null unless the decision is ACCEPT.' }),
  falseAcceptRate: z
    .number()
    .nullable()
    .meta({
      description:
        'Share of requests with the voice of a stranger that are answered with a name, whatever the number of candidates. ' +
        'Null where nothing was compared, or the threshold is one that promises no rate.',
      example: 0.01,
    }),
  threshold: z
    .number()
    .nullable()
    .meta({
      description:
        'The log-likelihood ratio that the first of the ranking had to reach; it rises with the number of candidates who ' +
        'resemble the recording, which the evidence for the second tells. Null where decisions are made on cosines: those of ' +
        'the ranking have their thresholds; on REJECT for keys of the scope `vectors` alone.',
      example: 4.9,
    }),
  thresholdFrom: z.enum(THRESHOLD_SOURCES).nullable().meta({
    description: 'Where thresholds are from, as the scores of a ranking say it; null where nothing was compared.',
  }),
  extrapolated: z
    .boolean()
    .nullable()
    .meta({
      description:
        'Whether the rate lies beyond what the trials of the calibration can show; null without a rate, and where a REJECT ' +
        'does not tell the threshold.',
    }),
  margin: z.number().nullable().meta({
    description: 'How much nearer the first is than the second speaker, in cosine; null where there is no second.',
  }),
  ranking: z
    .array(
      z.object({
        rank: z.int().positive(),
        speakerId: z.string(),
        name: z.string().nullable(),
        score: scoreView,
      }),
    )
    .meta({
      description: 'The nearest speakers by cosine, nearest first; on REJECT for keys of the scope `vectors` alone.',
    }),
  gallerySize: z.int().meta({ description: 'Enrolled speakers who were compared: of the group, where one was given.' }),
  model: z.string(),
  recording: recordingView,
});

export type IdentifyFields = z.output<typeof identifyFields>;
export type IdentificationView = z.output<typeof identificationView>;
