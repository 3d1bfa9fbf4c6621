import { z } from 'zod';
import { CONSENT_STATUSES, consentStatus } from '../records/consent.js';
import { giveConsent } from '../consent/consent.dto.js';
import { ENROLLMENT_STATUSES, remainingSeconds, type ProfileState } from '../records/profile.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { LONGEST_NAME, type Speaker } from '../records/speaker.js';

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
  name: name.optional(),
  consent: giveConsent.optional().meta({
    description: "The speaker's consent, recorded in the same step.",
  }),
});

export const updateSpeaker = z.strictObject({
  name: name.optional(),
  version: z.int().positive().optional().meta({
    description: 'The version that you read; another one stored meanwhile is a CONFLICT.',
    example: 1,
  }),
});

export const listSpeakers = z.strictObject(pageQuery('Speakers', { most: 500, usual: 50 }));

export const speakerView = z.object({
  id: z.string().meta({ example: EXAMPLE_ID }),
  name: z.string().nullable().meta({ example: 'Ada Lovelace' }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().meta({ description: 'Counts every change of the speaker, the enrolments and the profile.' }),
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
  confidence: z.number().meta({
    description: 'How far the profile can be trusted, in [0, 1]; see docs/profiles.md.',
    example: 0.81,
  }),
});

export const speakersView = z.object({
  speakers: z.array(speakerView),
  total: z.int().meta({ description: 'Of all pages.' }),
  nextCursor: nextCursorView,
});

export type SpeakerView = z.output<typeof speakerView>;
export type SpeakersView = z.output<typeof speakersView>;

export function toSpeakerView(speaker: Speaker, profile: ProfileState | null, requiredSeconds: number): SpeakerView {
  return {
    id: speaker.id,
    name: speaker.name,
    createdAt: speaker.createdAt.toISOString(),
    updatedAt: speaker.updatedAt.toISOString(),
    version: speaker.version,
    consentStatus: consentStatus(speaker),
    erasureAnnouncedAt: speaker.noticeAt?.toISOString() ?? null,
    ...enrollmentState(profile, requiredSeconds),
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
