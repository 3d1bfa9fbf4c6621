import type { Consent, RecordedConsent } from './consent.js';

/** Every consent of every speaker, also those that others took the place of; they go with their speaker. */
export abstract class ConsentRepository {
  abstract add(speakerId: string, consent: Consent): Promise<void>;

  /** Notes that those which stand were withdrawn. */
  abstract withdraw(speakerId: string, at: Date): Promise<void>;

  /** In the order in which they were recorded; `after` is the place of the last one seen. */
  abstract page(speakerId: string, after: ConsentPlace | null, limit: number): Promise<RecordedConsent[]>;
}

export type ConsentPlace = readonly [recordedAt: number, id: string];
