import { plainText } from '../../support/plain-text.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Speaker } from './speaker.js';

export const LONGEST_GIVER = 200;
export const LONGEST_METHOD = 200;
export const LONGEST_TEXT_VERSION = 100;

/** Clocks of two machines differ; a consent from further ahead is a mistake. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** The consent to a voice profile, as it was given. */
export interface Consent {
  /** Who gave it: the speaker, or who may speak for them. */
  givenBy: string;
  /** How: `signed form`, `web form`, `spoken, recording 4711`. */
  method: string;
  givenAt: Date;
  /** Which text they agreed to. */
  textVersion: string;
  /** When this service was told. */
  recordedAt: Date;
}

/** A consent in the speaker's history. */
export interface RecordedConsent extends Consent {
  /** UUID. */
  id: string;
  withdrawnAt: Date | null;
}

export const CONSENT_STATUSES = ['NOT_RECORDED', 'GIVEN', 'WITHDRAWN'] as const;
export type ConsentStatus = (typeof CONSENT_STATUSES)[number];

export interface GivenConsent {
  /** Default: the speaker, by name or else by id. */
  givenBy?: string | undefined;
  method: string;
  /** Default: now. */
  givenAt?: Date | undefined;
  textVersion: string;
}

/** Errors: INVALID_ARGUMENT. */
export function newConsent(
  { givenBy, method, givenAt, textVersion }: GivenConsent,
  { id, name }: Pick<Speaker, 'id' | 'name'>,
  now: Date,
): Consent {
  if (givenAt && givenAt.getTime() > now.getTime() + CLOCK_SKEW_MS) {
    throw new TimbreError('INVALID_ARGUMENT', 'givenAt lies in the future; a consent is recorded once it was given');
  }
  return {
    givenBy: plainText('givenBy', givenBy ?? name ?? id, LONGEST_GIVER),
    method: plainText('method', method, LONGEST_METHOD),
    givenAt: givenAt ?? now,
    textVersion: plainText('textVersion', textVersion, LONGEST_TEXT_VERSION),
    recordedAt: now,
  };
}

export function consentStatus({ consent, optedOutAt }: Pick<Speaker, 'consent' | 'optedOutAt'>): ConsentStatus {
  if (optedOutAt) return 'WITHDRAWN';
  return consent ? 'GIVEN' : 'NOT_RECORDED';
}

/** Errors: OPTED_OUT, CONSENT_REQUIRED where consent is required and nobody recorded one. */
export function requireConsent(speaker: Speaker, required: boolean): void {
  const status = consentStatus(speaker);
  if (status === 'WITHDRAWN') {
    throw optedOut(speaker.id);
  }
  if (status === 'NOT_RECORDED' && required) {
    throw new TimbreError(
      'CONSENT_REQUIRED',
      `no consent of speaker ${JSON.stringify(speaker.id)} is recorded; ` +
        'PUT it to /v1/speakers/:id/consent before the first enrolment, or set TIMBRE_CONSENT to optional',
    );
  }
}

export function optedOut(speakerId: string): TimbreError {
  return new TimbreError(
    'OPTED_OUT',
    `speaker ${JSON.stringify(speakerId)} has withdrawn consent; record a new one before the voice is used again`,
  );
}
