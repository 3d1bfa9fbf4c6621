import type { GroupRef } from '../../../../support/group-ref.js';
import type { Consent } from '../../../records/consent.js';
import type { Speaker } from '../../../records/speaker.js';
import type { ConsentJson, SpeakerRow } from '../entities/speaker.entity.js';

/**
 * `known`: whether the row is as it was written; one that is not has no consent, has opted out, and belongs to no group. `groups`:
 * those that are there, by uid.
 */
export function toSpeaker(
  { consent, consentWithdrawnAt, memberOf, metadata, ...row }: SpeakerRow,
  known: boolean,
  groups: ReadonlyMap<string, GroupRef>,
): Speaker {
  return {
    ...row,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    consent: known && consent ? toConsent(consent) : null,
    optedOutAt: toDate(consentWithdrawnAt ?? (known ? null : row.updatedAt)),
    learning: known ? row.learning : 'off',
    frozenAt: toDate(row.frozenAt),
    lastUsedAt: toDate(row.lastUsedAt),
    activeAt: new Date(row.activeAt),
    noticeAt: toDate(row.noticeAt),
    groups: known
      ? (memberOf ?? []).flatMap((uid) => groups.get(uid) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
      : [],
    metadata: (known && metadata) || {},
  };
}

export function toSpeakerRow(speaker: Speaker): SpeakerRow {
  const {
    createdAt,
    updatedAt,
    consent,
    optedOutAt,
    lastUsedAt,
    activeAt,
    noticeAt,
    frozenAt,
    groups,
    metadata,
    ...rest
  } = speaker;
  return {
    ...rest,
    memberOf: groups.length > 0 ? groups.map(({ uid }) => uid).sort() : null,
    metadata: Object.keys(metadata).length > 0 ? { ...metadata } : null,
    createdAt: createdAt.getTime(),
    updatedAt: updatedAt.getTime(),
    consent: consent && toConsentJson(consent),
    consentWithdrawnAt: optedOutAt?.getTime() ?? null,
    lastUsedAt: lastUsedAt?.getTime() ?? null,
    activeAt: activeAt.getTime(),
    noticeAt: noticeAt?.getTime() ?? null,
    frozenAt: frozenAt?.getTime() ?? null,
  };
}

function toConsent({ givenAt, recordedAt, ...rest }: ConsentJson): Consent {
  return { ...rest, givenAt: new Date(givenAt), recordedAt: new Date(recordedAt) };
}

function toConsentJson({ givenAt, recordedAt, ...rest }: Consent): ConsentJson {
  return { ...rest, givenAt: givenAt.toISOString(), recordedAt: recordedAt.toISOString() };
}

function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
