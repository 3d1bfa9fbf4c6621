import type { Speaker } from './speaker.js';
import type { VoiceRecords } from './unit-of-work.js';
import { newConsent, type GivenConsent } from './consent.js';

/**
 * Records a consent within a transaction, in the place of an earlier one, which the history keeps. Who had opted out is
 * in again. Errors: INVALID_ARGUMENT, CONFLICT where the speaker was changed since it was read.
 */
export async function giveConsent(
  { speakers, consents, audit }: VoiceRecords,
  speaker: Speaker,
  given: GivenConsent,
  now: Date,
): Promise<Speaker> {
  const consent = newConsent(given, speaker, now);
  const changed = await speakers.update({ ...speaker, consent, optedOutAt: null, updatedAt: now });
  await consents.add(speaker.id, consent);
  await audit.record({ action: 'consent.given', subject: speaker.subject });
  return changed;
}
