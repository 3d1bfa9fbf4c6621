import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import type { Speaker } from '../records/speaker.js';
import {
  CONSENT_STATUSES,
  consentStatus,
  LONGEST_GIVER,
  LONGEST_METHOD,
  LONGEST_TEXT_VERSION,
  type Consent,
  type GivenConsent,
  type RecordedConsent,
} from '../records/consent.js';

const fields = {
  givenBy: z.string().meta({
    maxLength: LONGEST_GIVER,
    description: `Who gave it: the speaker, or who may speak for them; ${LONGEST_GIVER} characters at most.`,
    example: 'Ada Lovelace',
  }),
  method: z.string().meta({
    maxLength: LONGEST_METHOD,
    description: `How it was given; ${LONGEST_METHOD} characters at most.`,
    example: 'signed form',
  }),
  textVersion: z.string().meta({
    maxLength: LONGEST_TEXT_VERSION,
    description: `Which text was agreed to; ${LONGEST_TEXT_VERSION} characters at most.`,
    example: 'privacy-2026-03',
  }),
};

export const giveConsent = z.strictObject({
  ...fields,
  givenBy: fields.givenBy.optional().meta({
    maxLength: LONGEST_GIVER,
    description: `Who gave it: the speaker, or who may speak for them; ${LONGEST_GIVER} characters at most. Left out, the speaker.`,
    example: 'Ada Lovelace',
  }),
  givenAt: z.iso.datetime({ offset: true }).optional().meta({
    description: 'When it was given; left out, now.',
    example: '2026-03-01T09:30:00Z',
  }),
});

/** A consent as a request has it. */
export type GiveConsent = z.output<typeof giveConsent>;

export function toGivenConsent({ givenAt, ...rest }: GiveConsent): GivenConsent {
  return { ...rest, givenAt: givenAt === undefined ? undefined : new Date(givenAt) };
}

const consentRecord = z.object({ ...fields, givenAt: z.iso.datetime(), recordedAt: z.iso.datetime() });

export const consentView = z.object({
  speakerId: z.string().meta({ example: 'ada' }),
  status: z.enum(CONSENT_STATUSES).meta({
    description:
      'NOT_RECORDED: nobody said anything. GIVEN: the speaker may be enrolled and matched. WITHDRAWN: the speaker has ' +
      'opted out and is neither, until a new consent is recorded.',
    example: 'GIVEN',
  }),
  required: z.boolean().meta({ description: 'Whether this service enrols nobody without a consent.' }),
  consent: consentRecord.nullable().meta({ description: 'The last one that was given, also after it was withdrawn.' }),
  withdrawnAt: z.iso.datetime().nullable(),
});

export const listConsents = z.strictObject(pageQuery('Consents', { most: 500, usual: 50 }));

export const pastConsentView = consentRecord.extend({
  withdrawnAt: z.iso.datetime().nullable().meta({ description: 'Null where it was not withdrawn.' }),
});

export const consentsView = z.object({
  consents: z.array(pastConsentView).meta({ description: 'Every consent that was recorded, oldest first.' }),
  nextCursor: nextCursorView,
});

export type ConsentView = z.output<typeof consentView>;
export type PastConsentView = z.output<typeof pastConsentView>;
export type ConsentsView = z.output<typeof consentsView>;

export function toConsentView(speaker: Speaker, required: boolean): ConsentView {
  const { id: speakerId, consent, optedOutAt } = speaker;
  return {
    speakerId,
    status: consentStatus(speaker),
    required,
    consent: consent && given(consent),
    withdrawnAt: optedOutAt?.toISOString() ?? null,
  };
}

function given({ givenBy, method, textVersion, givenAt, recordedAt }: Consent): NonNullable<ConsentView['consent']> {
  return { givenBy, method, textVersion, givenAt: givenAt.toISOString(), recordedAt: recordedAt.toISOString() };
}

export function toPastConsentView({ withdrawnAt, ...consent }: RecordedConsent): PastConsentView {
  return { ...given(consent), withdrawnAt: withdrawnAt?.toISOString() ?? null };
}
