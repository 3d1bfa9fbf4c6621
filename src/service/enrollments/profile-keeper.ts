import { Injectable } from '@nestjs/common';
import { CurrentModel } from '../voices/current-model.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { isLearned, type Enrollment } from '../records/enrollment.js';
import { buildProfile, type Profile, type ProfileInput } from '../records/profile.js';

/** Makes a speaker's profile anew from all enrolments, within the transaction that changes them. */
@Injectable()
export class ProfileKeeper {
  constructor(private readonly model: CurrentModel) {}

  /** The profile that these recordings make. */
  build(speaker: Pick<Speaker, 'id'>, origin: EmbeddingOrigin, enrollments: readonly Enrollment[], now: Date): Profile {
    const inputs = enrollments.filter(({ verdict }) => verdict.accepted).map(inputOf);
    return buildProfile(speaker.id, origin, inputs, this.model.profilePolicy(origin), now);
  }

  /**
   * `heard`: whether this counts as hearing of the speaker, whom retention then keeps. Gives in `enrolled` how many
   * recordings were enrolled, whichever models embedded them. Errors: CONFLICT where the speaker was changed since it was read.
   */
  async renew(
    records: VoiceRecords,
    speaker: Speaker,
    origin: EmbeddingOrigin,
    heard = true,
  ): Promise<{ speaker: Speaker; profile: Profile; enrolled: number }> {
    const now = new Date();
    const { enrollments, total } = await records.enrollments.ofOrigin(speaker.id, origin);
    const profile = this.build(speaker, origin, enrollments, now);
    if (enrollments.length > 0) await records.profiles.put(profile);
    else await records.profiles.delete(speaker.id, origin);
    const changed = { ...speaker, updatedAt: now, ...(heard && { activeAt: now, noticeAt: null }) };
    return { speaker: await records.speakers.update(changed, speaker), profile, enrolled: total };
  }
}

function inputOf({ id, embedding, measures, kind }: Enrollment): ProfileInput {
  return { enrollmentId: id, embedding, speechSeconds: measures.speechSeconds, learned: isLearned({ kind }) };
}
