import { Injectable } from '@nestjs/common';
import { CurrentModel } from '../voices/current-model.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { buildProfile, type Profile } from '../records/profile.js';

/** Makes a speaker's profile anew from all enrolments, within the transaction that changes them. */
@Injectable()
export class ProfileKeeper {
  constructor(private readonly model: CurrentModel) {}

  /** `enrolled`: the speaker's enrolments, of every model. Errors: CONFLICT where the speaker was changed since it was read. */
  async renew(
    records: VoiceRecords,
    speaker: Speaker,
    origin: EmbeddingOrigin,
  ): Promise<{ speaker: Speaker; profile: Profile; enrolled: number }> {
    const now = new Date();
    const { enrollments, total } = await records.enrollments.ofOrigin(speaker.id, origin);
    const inputs = enrollments
      .filter(({ verdict }) => verdict.accepted)
      .map(({ id, embedding, measures }) => ({ enrollmentId: id, embedding, speechSeconds: measures.speechSeconds }));
    const profile = buildProfile(speaker.id, origin, inputs, this.model.profilePolicy(origin), now);
    if (enrollments.length > 0) await records.profiles.put(profile);
    else await records.profiles.delete(speaker.id, origin);
    const changed = { ...speaker, updatedAt: now, activeAt: now, noticeAt: null };
    return { speaker: await records.speakers.update(changed), profile, enrolled: total };
  }
}
