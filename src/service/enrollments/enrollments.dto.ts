import { z } from 'zod';
import { audioView } from '../embeddings/embeddings.dto.js';
import { intervalsField, onePart } from '../uploads/selection.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { speakerView } from '../speakers/speakers.dto.js';
import { ENROLLMENT_STATUSES, type ProfileState, type ProfileMember } from '../records/profile.js';
import { EXEMPLAR_KINDS, SET_ASIDE, type EnrollmentInfo } from '../records/enrollment.js';
import { NOT_KEPT } from '../records/kept-recording.js';
import { QUALITY_LABELS, REJECTION_REASONS } from '../records/recording-quality.js';

export const enrollmentView = z.object({
  id: z.uuid(),
  createdAt: z.iso.datetime(),
  filename: z.string().nullable().meta({ example: 'ada-1.wav' }),
  sha256: z.string().meta({ description: 'Of the file: the same file twice is one recording.' }),
  model: z.string().meta({ description: 'That made the embedding.' }),
  audio: z.object({ seconds: z.number(), sampleRate: z.int(), channels: z.int() }),
  speech: z.object({ seconds: z.number().meta({ description: 'Net speech.' }) }),
  quality: z.object({
    label: z.enum(QUALITY_LABELS).meta({
      description: 'GOOD: clean wide-band speech; FAIR: accepted all the same; POOR: not accepted.',
    }),
    snrDb: z.number().nullable(),
    clippedShare: z.number(),
    bandwidthHz: z.number(),
    levelDb: z.number(),
  }),
  accepted: z.boolean().meta({ description: 'Whether the recording is good enough to count.' }),
  reasons: z.array(z.enum(REJECTION_REASONS)).meta({ description: 'Why it is not accepted.' }),
  missingSpeechSeconds: z.number().nullable().meta({
    description: 'With TOO_LITTLE_SPEECH: seconds of speech that it lacks to count; else null.',
    example: 0.6,
  }),
  agreement: z.number().nullable().meta({
    description: "Cosine with the mean of the speaker's other recordings; null where there is none to compare with.",
  }),
  outlier: z.boolean().meta({ description: 'Set aside: it does not sound like the others.' }),
  origin: z.enum(EXEMPLAR_KINDS).meta({
    description:
      'enrolled: by a call of this list. imported: a vector that was made elsewhere; what was not measured then is 0. named: the voice of a conversation that somebody named; its speech alone was measured. learned: verified with strong evidence. confirmed: verified, and confirmed by a call.',
  }),
  audioKept: z.boolean().meta({ description: 'Whether the audio is kept, so that another model can embed it.' }),
  setAside: z
    .enum(SET_ASIDE)
    .nullable()
    .meta({
      description:
        'Why it does not count though it is kept: replaced by another recording that was learned, or merged into another ' +
        'speaker who has it too. Null where it is not set aside.',
    }),
});

export const listEnrollments = z.strictObject(pageQuery('Recordings', { most: 500, usual: 100 }));

export const enrollmentsView = z.object({
  speaker: speakerView,
  enrollments: z.array(enrollmentView),
  nextCursor: nextCursorView,
});

const stored = z.object({
  index: z.int().meta({ description: 'Position among the uploads.' }),
  filename: z.string(),
  duplicate: z.boolean().meta({ description: 'The speaker had this very file already; nothing was added.' }),
  enrollment: enrollmentView,
  audio: audioView.nullable().meta({
    description: 'What was found in the file, above all whether it is whole; null where it was known already.',
  }),
  audioNotKept: z
    .enum(NOT_KEPT)
    .nullable()
    .meta({
      description:
        'Why its audio is not kept; null where it is. OFF: nobody has switched it on for the speaker. PART: a channel, a track or ' +
        'intervals were enrolled, and the rest may be other people. TOO_LARGE: it has more bytes than one may have ' +
        '(TIMBRE_KEPT_RECORDING_BYTES). NO_ROOM: all that are kept would have more than they may (TIMBRE_KEPT_BYTES).',
    }),
});

const failed = z.object({
  index: z.int(),
  filename: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
});

const possibleDuplicate = z
  .object({
    speakerId: z.string(),
    cosine: z.number(),
    llr: z.number().nullable(),
    falseAcceptRate: z.number().nullable().meta({
      description:
        'Share of people who are nobody else of those compared and are named here all the same; null where none was learned.',
    }),
    gallerySize: z.int().meta({ description: 'People who were compared.' }),
  })
  .meta({
    description:
      'The voice of these recordings may already be here as this speaker; null where nobody was found, or looked for.',
  });

export const enrolledView = z.object({
  speaker: speakerView,
  results: z.array(z.union([stored, failed])).meta({ description: 'One per upload, in their order.' }),
  possibleDuplicate: possibleDuplicate.nullable(),
});

export const enrolFields = z.strictObject({
  ...onePart,
  ...intervalsField,
  duplicates: z.enum(['true', 'false']).optional().meta({
    description:
      'Whether to look for somebody else who has this voice, `possibleDuplicate`. Default: TIMBRE_DUPLICATES.',
  }),
  oneVoice: z
    .enum(['true', 'false'])
    .optional()
    .meta({
      description:
        'Whether a recording in which more than one voice speaks is an error, `SEVERAL_VOICES`; each is heard as a conversation ' +
        'first, by the networks of conversations. Default: false; with `intervals` it always is.',
    }),
});

export type EnrolFields = z.output<typeof enrolFields>;

const MOST_VECTORS = 100;
const MOST_DIMENSIONS = 4096;

export const importVectors = z.strictObject({
  vectors: z
    .array(
      z.strictObject({
        vector: z.array(z.number()).min(1).max(MOST_DIMENSIONS).meta({ description: 'As the model gave it.' }),
        model: z
          .string()
          .max(200)
          .meta({ description: 'That made it: the loaded one, by its name.', example: 'starter@0123456789ab' }),
        speechSeconds: z.number().positive().max(86_400).meta({ description: 'Net speech of the recording.' }),
        at: z.iso.datetime({ offset: true }).optional().meta({ description: 'When it was recorded; left out, now.' }),
        sha256: z
          .string()
          .max(64)
          .regex(/^[0-9a-f]{64}$/, 'is a SHA-256, hexadecimal')
          .optional()
          .meta({ description: 'Of the recording: the same twice is one. Left out, that of the vector.' }),
        filename: z.string().max(255).optional(),
        measures: z
          .strictObject({
            audioSeconds: z.number().positive().max(86_400),
            sampleRate: z.int().positive(),
            channels: z.int().positive(),
            snrDb: z.number().nullable(),
            clippedShare: z.number().min(0).max(1),
            bandwidthHz: z.number().min(0),
            levelDb: z.number(),
          })
          .optional()
          .meta({
            description: 'What was measured on the recording, as enrolments have it. Left out, speech alone is judged.',
          }),
      }),
    )
    .min(1)
    .max(MOST_VECTORS),
});

export const importedView = z.object({
  speaker: speakerView,
  results: z
    .array(
      z.object({
        enrollmentId: z.uuid(),
        duplicate: z.boolean().meta({ description: 'The speaker has it already; nothing was added.' }),
        accepted: z.boolean().meta({ description: 'Whether it counts.' }),
      }),
    )
    .meta({ description: 'One per vector, in their order.' }),
});

export type ImportedView = z.output<typeof importedView>;

export const profileQuery = z.strictObject({
  health: z.enum(['true', 'false']).default('false').meta({ description: 'Whether to say how the profile is doing.' }),
  embedding: z.enum(['true', 'false']).default('false').meta({ description: 'Whether to give the centroid.' }),
});

export const profileView = z.object({
  speakerId: z.string(),
  model: z.string(),
  frontEnd: z.string(),
  enrollmentStatus: z.enum(ENROLLMENT_STATUSES),
  enrollmentsCount: z.int(),
  enrollmentsSpeechLengthInSec: z.number(),
  remainingEnrollmentsSpeechLengthInSec: z.number(),
  confidence: z.number().meta({ description: 'In [0, 1]; the formula is in docs/profiles.md.' }),
  cohesion: z.number().nullable().meta({
    description: 'Mean cosine of the pairs of recordings that count; null for fewer than two.',
  }),
  recordings: z
    .array(z.object({ enrollmentId: z.string(), agreement: z.number().nullable(), outlier: z.boolean() }))
    .meta({ description: 'Every accepted recording, oldest first.' }),
  outliers: z.array(z.string()).meta({ description: 'Enrolments that were set aside.' }),
  otherModels: z.array(z.string()).meta({ description: 'Other models that the speaker was enrolled with.' }),
  updatedAt: z.iso.datetime().nullable(),
  health: z
    .object({
      enrolled: z.int().meta({ description: 'Recordings that were enrolled and count.' }),
      learned: z.int().meta({ description: 'The same of those that were learned or confirmed.' }),
      spread: z.number().nullable().meta({ description: '1 - mean cosine of the recordings with the centroid.' }),
      drift: z.number().nullable().meta({
        description:
          '1 - cosine of the mean of the earlier half of the recordings with that of the later half; null for fewer than four.',
      }),
      fromEnrolled: z.number().nullable().meta({
        description:
          '1 - cosine of the centroid with the mean of the enrolled recordings: how far learning has moved it.',
      }),
      nearest: z
        .object({ speakerId: z.string(), cosine: z.number(), llr: z.number().nullable() })
        .nullable()
        .meta({ description: 'The nearest other person, for keys of the scope `vectors`; null where there is none.' }),
    })
    .optional()
    .meta({ description: 'Only where it was asked for.' }),
  embedding: z.array(z.number()).nullable().optional().meta({
    description: 'The centroid, of unit length; only where it was asked for.',
  }),
});

export type EnrollmentView = z.output<typeof enrollmentView>;
export type EnrollmentsView = z.output<typeof enrollmentsView>;
export type EnrolledView = z.output<typeof enrolledView>;
export type ProfileView = z.output<typeof profileView>;

/** `profile` is that of the enrolment's own model, `updateSeconds` the net speech that a recording needs to count. */
export function toEnrollmentView(
  enrollment: EnrollmentInfo,
  profile: ProfileState | null,
  updateSeconds: number,
  audioKept: boolean,
): EnrollmentView {
  const { id, createdAt, fileName, contentSha256, origin, measures, verdict } = enrollment;
  const { snrDb, clippedShare, bandwidthHz, levelDb } = measures;
  const member = memberOf(profile, id);
  return {
    id,
    createdAt: createdAt.toISOString(),
    filename: fileName,
    sha256: contentSha256,
    model: origin.model,
    audio: { seconds: measures.audioSeconds, sampleRate: measures.sampleRate, channels: measures.channels },
    speech: { seconds: measures.speechSeconds },
    quality: { label: verdict.quality, snrDb, clippedShare, bandwidthHz, levelDb },
    accepted: verdict.accepted,
    reasons: verdict.reasons,
    missingSpeechSeconds: verdict.reasons.includes('TOO_LITTLE_SPEECH')
      ? Math.max(0, updateSeconds - measures.speechSeconds)
      : null,
    agreement: member?.agreement ?? null,
    outlier: member?.outlier ?? false,
    origin: enrollment.kind,
    setAside: enrollment.setAside,
    audioKept,
  };
}

function memberOf(profile: ProfileState | null, id: string): ProfileMember | undefined {
  return profile?.members.find(({ enrollmentId }) => enrollmentId === id);
}
