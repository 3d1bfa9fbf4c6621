import type { GivenConsent } from './consent.js';
import { giveConsent } from './give-consent.js';
import { groupsOfNew, recordGroups } from './membership.js';
import type { Speaker } from './speaker.js';
import type { VoiceRecords } from './unit-of-work.js';

/**
 * Adds a speaker within a transaction, to the groups with these ids. Errors: SPEAKER_EXISTS, GROUP_NOT_FOUND, INVALID_ARGUMENT.
 */
export async function addSpeaker(
  records: VoiceRecords,
  given: Speaker,
  groupIds: readonly string[] | undefined,
  consent: GivenConsent | undefined,
  now: Date,
): Promise<Speaker> {
  const speaker = { ...given, groups: await groupsOfNew(records, groupIds) };
  await records.speakers.insert(speaker);
  await records.audit.record({ action: 'speaker.created', subject: speaker.subject });
  await recordGroups(records, speaker, [], speaker.groups);
  return consent ? giveConsent(records, speaker, consent, now) : speaker;
}
