import { z } from 'zod';
import { CONSENT_STATUSES, consentStatus } from '../records/consent.js';
import { giveConsent } from '../consent/consent.dto.js';
import { ENROLLMENT_STATUSES, remainingSeconds, type ProfileState } from '../records/profile.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { visibleGroups } from '../records/bound.js';
import { LONGEST_GROUP_ID, MOST_GROUPS } from '../records/group.js';
import { LONGEST_KEY, LONGEST_VALUE, MOST_BYTES, MOST_ENTRIES } from '../records/metadata.js';
import { LONGEST_NAME } from '../records/speaker.js';
import type { Voice } from '../records/voice.js';

const EXAMPLE_ID = '3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10';

/** Lengths and characters are the domain's to check: it counts characters, not halves of them. */
const name = z
  .string()
  .nullable()
  .meta({
    maxLength: LONGEST_NAME,
    description: `For people; ${LONGEST_NAME} characters at most, one line in any script.`,
    example: 'Ada Lovelace',
  });

const groups = z
  .array(z.string().meta({ maxLength: LONGEST_GROUP_ID }))
  .max(MOST_GROUPS)
  .meta({
    description:
      'Ids of the groups that the speaker belongs to, and of no others. They have to be there: POST /v1/groups.',
    example: ['household-7'],
  });

const metadata = z.record(z.string(), z.string().meta({ maxLength: LONGEST_VALUE })).meta({
  maxProperties: MOST_ENTRIES,
  description:
    `Your own notes, text by key, in the place of those before: ${MOST_ENTRIES} at most, keys of ${LONGEST_KEY} characters and ` +
    `values of ${LONGEST_VALUE}, ${MOST_BYTES / 1024} KiB in all. GET /v1/speakers finds by them.`,
  example: { team: 'engines' },
});

/** What may be said of a speaker who is there. */
const changes = { name: name.optional(), groups: groups.optional(), metadata: metadata.optional() };

const consent = giveConsent.optional();

export const createSpeaker = z.strictObject({
  id: z
    .string()
    .optional()
    .meta({
      maxLength: LONGEST_ID,
      description:
        `Your own id, ${LONGEST_ID} characters at most: letters and digits of any script, and . _ ~ @ : + - after the ` +
        'first. Left out, a UUID is made.',
      example: 'ada',
    }),
  ...changes,
  consent: consent.meta({ description: "The speaker's consent, recorded in the same step." }),
});

export const putSpeaker = z.strictObject({
  ...changes,
  consent: consent.meta({
    description: "The speaker's consent, recorded where there is none; who has withdrawn it stays out.",
  }),
});

export const updateSpeaker = z.strictObject({
  ...changes,
  version: z.int().positive().optional().meta({
    description: 'The version that you read; another one stored meanwhile is a CONFLICT.',
    example: 1,
  }),
});

export const listSpeakers = z.strictObject({
  ...pageQuery('Speakers', { most: 500, usual: 50 }),
  group: z
    .string()
    .optional()
    .meta({ maxLength: LONGEST_GROUP_ID, description: 'Only members of this group, by its id.' }),
  id: z.string().min(1).max(LONGEST_ID).optional().meta({
    description: 'Only those whose id begins so; the list is in the order of the ids.',
  }),
  name: z.string().min(1).max(LONGEST_NAME).optional().meta({
    description: 'Only those whose name begins so, in any case; the list is in the order of the names.',
  }),
  metadata: z
    .string()
    .max(LONGEST_KEY + 1 + LONGEST_VALUE)
    .optional()
    .meta({ description: 'Only those with this entry of metadata, as `key=value`.', example: 'team=engines' }),
});

export const speakerView = z.object({
  id: z.string().meta({ example: EXAMPLE_ID }),
  name: z.string().nullable().meta({ example: 'Ada Lovelace' }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().meta({ description: 'Counts every change of the speaker, the enrolments and the profile.' }),
  groups: z.array(z.string()).meta({
    description: 'Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.',
    example: ['household-7'],
  }),
  metadata: z.record(z.string(), z.string()).meta({ example: { team: 'engines' } }),
  consentStatus: z.enum(CONSENT_STATUSES).meta({
    description: 'WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.',
    example: 'GIVEN',
  }),
  erasureAnnouncedAt: z.iso.datetime().nullable().meta({
    description: 'When it was announced that the speaker will be erased for age; null where it was not.',
  }),
  enrollmentStatus: z.enum(ENROLLMENT_STATUSES).meta({
    description: 'For the loaded model. Enrolled: enough speech for verification and identification.',
  }),
  enrollmentsCount: z.int().meta({ description: 'Recordings that count: accepted, and no outliers.', example: 3 }),
  enrollmentsSpeechLengthInSec: z.number().meta({ description: 'Net speech of those recordings.', example: 24.5 }),
  remainingEnrollmentsSpeechLengthInSec: z.number().meta({ description: 'Net speech still needed.', example: 0 }),
  recordingsKept: z.int().meta({
    description: 'Recordings whose audio is kept, so that another model can embed them.',
    example: 0,
  }),
  confidence: z.number().meta({
    description: 'How far the profile can be trusted, in [0, 1]; see docs/profiles.md.',
    example: 0.81,
  }),
});

export const speakersView = z.object({
  speakers: z.array(speakerView),
  total: z.int().nullable().meta({
    description:
      'Of all pages; null where the list is searched by more than a group, or the key is bound to several groups.',
  }),
  nextCursor: nextCursorView,
});

export type SpeakerView = z.output<typeof speakerView>;
export type SpeakersView = z.output<typeof speakersView>;

export function toSpeakerView({ speaker, profile, keptRecordings }: Voice, requiredSeconds: number): SpeakerView {
  return {
    id: speaker.id,
    name: speaker.name,
    createdAt: speaker.createdAt.toISOString(),
    updatedAt: speaker.updatedAt.toISOString(),
    version: speaker.version,
    groups: visibleGroups(speaker.groups).map(({ id }) => id),
    metadata: { ...speaker.metadata },
    consentStatus: consentStatus(speaker),
    erasureAnnouncedAt: speaker.noticeAt?.toISOString() ?? null,
    ...enrollmentState(profile, requiredSeconds),
    recordingsKept: keptRecordings,
  };
}

/** Where the enrolment stands, in the words of the hosted services that people come from. */
export function enrollmentState(
  profile: ProfileState | null,
  requiredSeconds: number,
): Pick<
  SpeakerView,
  | 'enrollmentStatus'
  | 'enrollmentsCount'
  | 'enrollmentsSpeechLengthInSec'
  | 'remainingEnrollmentsSpeechLengthInSec'
  | 'confidence'
> {
  return {
    enrollmentStatus: profile?.status ?? 'Enrolling',
    enrollmentsCount: profile?.members.filter(({ outlier }) => !outlier).length ?? 0,
    enrollmentsSpeechLengthInSec: profile?.speechSeconds ?? 0,
    remainingEnrollmentsSpeechLengthInSec: remainingSeconds(profile, requiredSeconds),
    confidence: profile?.confidence ?? 0,
  };
}
