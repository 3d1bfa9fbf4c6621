import { Injectable } from '@nestjs/common';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { VoiceGallery } from '../voices/voice-gallery.js';
import { VoiceStore } from '../records/voice-store.js';
import { newConsent, type GivenConsent } from '../records/consent.js';

/** What speakers said about the use of their voices. Errors of every call: SPEAKER_NOT_FOUND, those of the storage. */
@Injectable()
export class ConsentService {
  constructor(
    private readonly store: VoiceStore,
    private readonly gallery: VoiceGallery,
  ) {}

  get(speakerId: string): Promise<Speaker> {
    return this.store.read(async ({ speakers }) => {
      const speaker = await speakers.find(speakerId);
      if (!speaker) throw speakerNotFound(speakerId);
      return speaker;
    });
  }

  /** Puts the consent in the place of an earlier one; who had opted out is in again. Errors: INVALID_ARGUMENT. */
  async give(speakerId: string, given: GivenConsent): Promise<Speaker> {
    const now = new Date();
    const consent = newConsent(given, now);
    const { speaker } = await this.store.transactionThen(
      async ({ speakers, profiles, audit }) => {
        const found = await speakers.find(speakerId);
        if (!found) throw speakerNotFound(speakerId);
        const changed = await speakers.update({ ...found, consent, optedOutAt: null, updatedAt: now });
        await audit.record({ action: 'consent.given', subject: found.subject });
        return { speaker: changed, back: found.optedOutAt ? await profiles.ofSpeaker(speakerId) : null };
      },
      ({ back }) => {
        if (back) this.gallery.show(speakerId, back);
      },
    );
    return speaker;
  }

  /** The speaker opts out: what is stored stays until it is erased, and is used for nothing. Safe to repeat. */
  withdraw(speakerId: string): Promise<Speaker> {
    const now = new Date();
    return this.store.transactionThen(
      async ({ speakers, audit }) => {
        const found = await speakers.find(speakerId);
        if (!found) throw speakerNotFound(speakerId);
        if (found.optedOutAt) return found;
        await audit.record({ action: 'consent.withdrawn', subject: found.subject });
        return speakers.update({ ...found, optedOutAt: now, updatedAt: now });
      },
      () => {
        this.gallery.hide(speakerId);
      },
    );
  }
}
