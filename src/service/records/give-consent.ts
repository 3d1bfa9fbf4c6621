import { TimbreError } from '../../errors/timbre-error.js';
import { currentActor } from '../../support/actor.js';
import type { Speaker } from './speaker.js';
import type { VoiceRecords } from './unit-of-work.js';
import { newConsent, type GivenConsent } from './consent.js';

/**
 * Records a consent within a transaction, in the place of an earlier one, which the history keeps. Who had opted out is
 * in again, which is for admin alone. Errors: FORBIDDEN_SCOPE, INVALID_ARGUMENT, CONFLICT where the speaker was changed since it was read.
 */
export async function giveConsent(
  { speakers, consents, audit }: VoiceRecords,
  speaker: Speaker,
  given: GivenConsent,
  now: Date,
): Promise<Speaker> {
  if (speaker.optedOutAt && !currentActor().scopes?.includes('admin')) {
    throw new TimbreError(
      'FORBIDDEN_SCOPE',
      `speaker ${JSON.stringify(speaker.id)} has opted out; to record a consent all the same needs a key of the scope admin`,
    );
  }
  const consent = newConsent(given, speaker, now);
  const heard = { updatedAt: now, activeAt: now, noticeAt: null };
  const changed = await speakers.update({ ...speaker, consent, optedOutAt: null, ...heard });
  await consents.add(speaker.id, consent);
  await audit.record({ action: 'consent.given', subject: speaker.subject });
  return changed;
}
