import { Injectable } from '@nestjs/common';
import { Places } from '../http/pages.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { GivenConsent, RecordedConsent } from '../records/consent.js';
import type { ConsentPlace } from '../records/consent.repository.js';
import { Maintenance } from '../records/maintenance.js';
import { giveConsent } from '../records/give-consent.js';
import { requireSpeaker } from '../records/require-speaker.js';

const PLACES = new Places<ConsentPlace>('consents', ['number', 'string']);

/** What speakers said about the use of their voices. Errors of every call: SPEAKER_NOT_FOUND, those of the storage. */
@Injectable()
export class ConsentService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly maintenance: Maintenance,
  ) {}

  get(speakerId: string): Promise<Speaker> {
    return this.store.read(async ({ speakers }) => {
      const speaker = await requireSpeaker({ speakers }, speakerId);
      return speaker;
    });
  }

  /** Every consent of a speaker, oldest first. Errors: INVALID_ARGUMENT for a cursor of another list. */
  history(
    speakerId: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ rows: RecordedConsent[]; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    return this.store.read(async ({ speakers, consents }) => {
      await requireSpeaker({ speakers }, speakerId);
      const found = await consents.page(speakerId, after, limit + 1);
      return PLACES.page(found, limit, ({ recordedAt, id }) => [recordedAt.getTime(), id]);
    });
  }

  /** Puts the consent in the place of an earlier one; who had opted out is in again. Errors: INVALID_ARGUMENT. */
  give(speakerId: string, given: GivenConsent): Promise<Speaker> {
    return this.store.transaction(async (records) => {
      const found = await requireSpeaker(records, speakerId);
      return giveConsent(records, found, given, new Date());
    });
  }

  /** The speaker opts out: vectors stay until they are erased, and are used for nothing; audio that is kept is removed. Safe to repeat. */
  async withdraw(speakerId: string): Promise<Speaker> {
    const now = new Date();
    let forgotten = 0;
    const speaker = await this.store.transaction(async ({ speakers, consents, waiting, recordings, audit }) => {
      const found = await requireSpeaker({ speakers }, speakerId);
      if (found.optedOutAt) return found;
      await consents.withdraw(speakerId, now);
      // Nobody confirms what waits any more.
      forgotten = await waiting.deleteOf(speakerId);
      // Audio is there to be embedded, which nobody may any more.
      const removed = await recordings.deleteOf(speakerId);
      forgotten += removed;
      if (removed > 0) await audit.record({ action: 'recordings.removed', subject: found.subject });
      await audit.record({ action: 'consent.withdrawn', subject: found.subject });
      return speakers.update({ ...found, optedOutAt: now, updatedAt: now });
    });
    if (forgotten > 0) await this.maintenance.wipeSoon();
    return speaker;
  }
}
