import { z } from 'zod';
import { auditEntryView } from '../audit/audit.dto.js';
import { consentView, pastConsentView } from '../consent/consent.dto.js';
import { enrollmentView } from '../enrollments/enrollments.dto.js';
import { jobItemView } from '../jobs/jobs.dto.js';
import { ledgerEntryView } from '../profiles/profiles.dto.js';
import { LEARNING_SETTINGS } from '../records/learning.js';
import { CONVERSATION_STATES } from '../records/conversation.js';
import { ENROLLMENT_STATUSES } from '../records/profile.js';

export const exportQuery = z.strictObject({
  vectors: z.enum(['true', 'false']).default('false').meta({
    description: 'Whether to give the voice embeddings too: whoever has them can recognise the voice.',
  }),
});

const vector = z.array(z.number()).nullable().optional();

export const exportView = z.object({
  format: z.literal('timbre-subject-export/5'),
  exportedAt: z.iso.datetime(),
  speaker: z.object({
    id: z.string().meta({ example: 'ada' }),
    subject: z.uuid().meta({ description: "The audit trail's name for the speaker, which outlives the speaker." }),
    name: z.string().nullable().meta({ example: 'Ada Lovelace' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    version: z.int(),
    groups: z.array(z.string()).meta({ description: 'Ids of the groups that the speaker belongs to.' }),
    metadata: z.record(z.string(), z.string()),
    lastUsedAt: z.iso.datetime().nullable().meta({ description: 'Last verification or identification.' }),
    learning: z
      .enum(LEARNING_SETTINGS)
      .nullable()
      .meta({ description: 'Whether the profile learns; null: nothing is set.' }),
    frozenAt: z.iso.datetime().nullable().meta({ description: 'Since when it learns nothing, whatever is set.' }),
  }),
  consent: consentView,
  consents: z.array(pastConsentView).meta({ description: 'Every consent that was recorded, oldest first.' }),
  audio: z.object({
    kept: z.boolean().meta({ description: 'Whether any recording is kept as audio: `recordings` says which.' }),
    note: z.string(),
  }),
  recordings: z
    .array(
      z.object({
        sha256: z.string(),
        bytes: z.int(),
        keptAt: z.iso.datetime(),
        expiresAt: z.iso.datetime().nullable().meta({ description: 'After which retention removes the audio.' }),
        path: z.string().nullable().meta({
          description:
            'Where its bytes are, for keys of the scopes `admin` and `vectors`; null where no enrolment is of it.',
          example: '/v1/speakers/ada/enrollments/3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10/audio',
        }),
      }),
    )
    .meta({ description: 'Recordings whose audio is kept, oldest first.' }),
  enrollments: z.array(
    enrollmentView.extend({
      frontEnd: z.string(),
      embedding: vector.meta({ description: 'As the model gave it; only where it was asked for.' }),
    }),
  ),
  profiles: z
    .array(
      z.object({
        model: z.string(),
        frontEnd: z.string(),
        enrollmentStatus: z.enum(ENROLLMENT_STATUSES),
        speechLengthInSec: z.number(),
        confidence: z.number(),
        cohesion: z.number().nullable(),
        updatedAt: z.iso.datetime(),
        embedding: vector.meta({ description: 'The centroid, of unit length; only where it was asked for.' }),
      }),
    )
    .meta({ description: 'One for every model that the speaker was enrolled with.' }),
  waiting: z
    .array(z.object({ id: z.uuid(), createdAt: z.iso.datetime(), model: z.string() }))
    .meta({ description: 'Verifications whose voice vector waits to be confirmed.' }),
  ledger: z.array(ledgerEntryView).meta({ description: 'Every change of the profile, newest first.' }),
  jobs: z.array(jobItemView.extend({ jobId: z.uuid() })).meta({
    description:
      'Recordings of jobs, whatever became of them. The uploads of those that wait are kept until then; finished jobs are ' +
      'removed after a while.',
  }),
  conversations: z
    .array(
      z.object({
        id: z.uuid(),
        state: z.enum(CONVERSATION_STATES),
        createdAt: z.iso.datetime(),
        finishedAt: z.iso.datetime().nullable(),
        filename: z.string().nullable(),
        heard: z
          .object({
            label: z.string().meta({ description: 'Of the voice.' }),
            named: z
              .boolean()
              .meta({ description: 'Whether the voice was given the name, or was only nearest to it.' }),
            cosine: z.number(),
            llr: z.number().nullable(),
            probability: z.number().nullable(),
            margin: z.number().nullable(),
            speechSeconds: z.number(),
            turns: z.array(z.object({ start: z.number(), end: z.number(), overlap: z.number() })),
          })
          .nullable()
          .meta({ description: 'Null while it waits: the speaker is one of those who may be named.' }),
      }),
    )
    .meta({ description: 'Conversations that tell of the speaker, one for each voice.' }),
  unknownVoices: z
    .array(
      z.object({
        id: z.uuid(),
        createdAt: z.iso.datetime(),
        model: z.string(),
        heard: z.array(
          z.object({
            conversationId: z.uuid(),
            label: z.string(),
            heardAt: z.iso.datetime(),
            ownSeconds: z.number(),
            intervals: z.array(z.object({ start: z.number(), end: z.number() })),
          }),
        ),
      }),
    )
    .meta({
      description:
        'Voices of conversations that somebody named as the speaker, and where they were heard. Each has a voice vector.',
    }),
  audit: z.array(auditEntryView).meta({ description: 'Everything that was done to the speaker, oldest first.' }),
});

export type ExportView = z.output<typeof exportView>;
