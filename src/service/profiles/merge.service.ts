import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { ProfileKeeper } from '../enrollments/profile-keeper.js';
import { boundTo, requireOwnId, visibleGroups } from '../records/bound.js';
import { optedOut, requireConsent, type GivenConsent } from '../records/consent.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { enrollmentNotFound, isLearned, type EnrollmentInfo } from '../records/enrollment.js';
import { giveConsent } from '../records/give-consent.js';
import { redundantOnes } from '../records/learning.js';
import type { LedgerEntry } from '../records/ledger.js';
import { Maintenance } from '../records/maintenance.js';
import { recordGroups } from '../records/membership.js';
import { newSpeaker, type Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { requireSpeaker } from '../records/require-speaker.js';
import { allOf, moveRecordings, originsOf, unique } from './moves.js';

/** The person that recordings are split off to. */
export interface SplitOff {
  id?: string | undefined;
  name?: string | null | undefined;
  consent?: GivenConsent | undefined;
}

/** Two records that are one person, and one that is two. Errors of every call: SPEAKER_NOT_FOUND, those of the storage. */
@Injectable()
export class MergeService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly keeper: ProfileKeeper,
    private readonly consent: ConsentPolicy,
    private readonly maintenance: Maintenance,
    private readonly config: Config,
  ) {}

  /**
   * Gives all recordings of a speaker to another one, who keeps id, name, groups and metadata; the first stays, without
   * recordings. Consent is the stricter of both: who has opted out is not merged, and where one has none recorded the other
   * has none afterwards. Errors: INVALID_ARGUMENT, OPTED_OUT, CONSENT_REQUIRED, MODEL_NOT_READY.
   */
  async merge(speakerId: string, fromId: string): Promise<{ speaker: Speaker; entry: LedgerEntry }> {
    const done = await this.store.transaction(async (records) => {
      let to = await requireSpeaker(records, speakerId);
      const from = await requireSpeaker(records, fromId);
      if (to.id === from.id) {
        throw new TimbreError('INVALID_ARGUMENT', 'a speaker is not merged with itself: name another one in from');
      }
      for (const one of [to, from]) requireConsent(one, this.consent.required);
      const recordings = await allOf(records, from.id);
      this.requireRoom([...(await allOf(records, to.id)), ...recordings]);
      const now = new Date();
      const consentLifted = to.consent !== null && from.consent === null;
      if (consentLifted) {
        to = await records.speakers.update({ ...to, consent: null, updatedAt: now });
        await records.audit.record({ action: 'consent.lifted', subject: to.subject });
      }
      await records.waiting.deleteOf(from.id);
      const origins = await originsOf(records, from);
      const entry = await moveRecordings(records, { from, to }, recordings, 'merge', { consentLifted });
      const replaced = await this.bound(records, to, origins);
      if (replaced.length > 0) await records.ledger.describe(entry, { ...entry.detail, replaced });
      await records.audit.record({ action: 'speaker.merged', subject: to.subject, object: from.subject });
      await this.renew(records, from, origins);
      return { speaker: await this.renew(records, to, origins), entry };
    });
    await this.maintenance.wipeSoon();
    return done;
  }

  /**
   * Gives some recordings of a speaker to a new one in the same groups. The consent of the first is not that of the new
   * one. Errors: INVALID_ARGUMENT, ENROLLMENT_NOT_FOUND, SPEAKER_EXISTS, OPTED_OUT, CONSENT_REQUIRED, MODEL_NOT_READY.
   */
  async split(
    speakerId: string,
    ids: readonly string[],
    { consent, ...given }: SplitOff,
  ): Promise<{ speaker: Speaker; made: Speaker; entry: LedgerEntry }> {
    const now = new Date();
    const done = await this.store.transaction(async (records) => {
      const from = await requireSpeaker(records, speakerId);
      if (from.optedOutAt) throw optedOut(from.id);
      const recordings: EnrollmentInfo[] = [];
      for (const id of new Set(ids)) {
        const found = await records.enrollments.find(speakerId, id);
        if (!found) throw enrollmentNotFound(speakerId, id);
        recordings.push(found);
      }
      const groups = visibleGroups(from.groups, boundTo());
      const made = newSpeaker({ ...given, groups }, now);
      requireOwnId(given.id === undefined ? undefined : made.id);
      await records.speakers.insert(made);
      await records.audit.record({ action: 'speaker.created', subject: made.subject });
      await recordGroups(records, made, [], made.groups);
      const to = consent ? await giveConsent(records, made, consent, now) : made;
      requireConsent(to, this.consent.required);
      const origins = unique(recordings.map(({ origin }) => origin));
      const entry = await moveRecordings(records, { from, to }, recordings, 'split', { consentLifted: false });
      await records.audit.record({ action: 'speaker.split', subject: from.subject, object: to.subject });
      const speaker = await this.renew(records, from, origins);
      return { speaker, made: await this.renew(records, to, origins), entry };
    });
    await this.maintenance.wipeSoon();
    return done;
  }

  /** Errors: INVALID_ARGUMENT. */
  private requireRoom(recordings: readonly EnrollmentInfo[]): void {
    const { maxEnrollments } = this.config;
    // The same file by several models, or of both, is one recording.
    const enrolled = recordings.filter((one) => !isLearned(one));
    const count = new Set(enrolled.map(({ contentSha256 }) => contentSha256)).size;
    if (count <= maxEnrollments) return;
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `both have ${count} recordings together, and a speaker may have ${maxEnrollments}; delete some before they are merged`,
    );
  }

  /** Sets learned recordings aside that are too many, and says which. */
  private async bound(records: VoiceRecords, { id }: Speaker, origins: readonly EmbeddingOrigin[]): Promise<string[]> {
    const replaced: string[] = [];
    for (const origin of origins) {
      const { enrollments } = await records.enrollments.ofOrigin(id, origin);
      const learned = enrollments.filter(isLearned);
      replaced.push(...redundantOnes(learned, this.config.learnedRecordings).map((one) => one.id));
    }
    await records.enrollments.change(id, replaced, { setAside: 'replaced' });
    return replaced;
  }

  private async renew(records: VoiceRecords, speaker: Speaker, origins: readonly EmbeddingOrigin[]): Promise<Speaker> {
    let now = speaker;
    for (const origin of origins) ({ speaker: now } = await this.keeper.renew(records, now, origin));
    return now;
  }
}
