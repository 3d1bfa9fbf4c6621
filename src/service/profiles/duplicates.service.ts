import { Injectable } from '@nestjs/common';
import { Duplicates, type PossibleDuplicate } from '../enrollments/duplicates.js';
import { Places } from '../http/pages.js';
import { boundUids } from '../records/bound.js';
import { requireGroup } from '../records/membership.js';
import { countedIn, type Profile } from '../records/profile.js';
import type { SearchPlace } from '../records/speaker.repository.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { CurrentModel } from '../voices/current-model.js';

const PLACES = new Places<SearchPlace>('duplicates', ['string', 'number', 'string']);

/** Others that are named for one speaker. */
const MOST_FOR_ONE = 10;

/** Two speakers who may be one. */
export interface DuplicatePair extends PossibleDuplicate {
  /** The other one is `speakerId`, whose id comes later. */
  of: string;
}

/** A look at everybody, a page of people at a time: each of them is compared with all others. */
@Injectable()
export class DuplicatesService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly duplicates: Duplicates,
  ) {}

  /**
   * Those of a page of speakers who may be others, too; each pair once. Errors: GROUP_NOT_FOUND, INVALID_ARGUMENT for a cursor of
   * another list and for a rate without a threshold, those of the model and of the storage.
   */
  async page(
    limit: number,
    cursor: string | undefined,
    { group, falseAcceptRate }: { group?: string | undefined; falseAcceptRate?: number | undefined } = {},
  ): Promise<{ pairs: DuplicatePair[]; compared: number; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    const origin = this.model.origin();
    const scorer = this.duplicates.scorerAt(falseAcceptRate);
    const { voices, nextCursor, groups } = await this.store.read(async (records) => {
      const uid = group === undefined ? undefined : (await requireGroup(records, group)).uid;
      // By id, whose beginning is empty.
      const found = await records.speakers.search({ group: uid, id: '' }, after, limit + 1);
      const page = PLACES.page(found, limit, ({ place }) => place);
      const all: { speaker: Speaker; profile: Profile }[] = [];
      for (const { speaker } of page.rows) {
        const profile = speaker && !speaker.optedOutAt && (await records.profiles.find(speaker.id, origin));
        if (profile && profile.status === 'Enrolled') all.push({ speaker, profile });
      }
      const among = uid === undefined ? boundUids() : [uid];
      return { voices: all, nextCursor: page.nextCursor, groups: among };
    });
    const pairs: DuplicatePair[] = [];
    for (const { speaker, profile } of voices) {
      const { id, subject } = speaker;
      const { centroid: embedding, speechSeconds } = profile;
      if (!embedding) continue;
      const sought = { subject, speakerId: id, embedding, speechSeconds, recordings: countedIn(profile) };
      for (const { subject: other, ...like } of await this.duplicates.of(sought, scorer, MOST_FOR_ONE, groups)) {
        if (other !== subject && like.speakerId > id) pairs.push({ of: id, ...like });
      }
    }
    return { pairs, compared: voices.length, nextCursor };
  }
}
