import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { currentActor } from '../../support/actor.js';
import { Steps } from '../../support/steps.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { consentStatus, newConsent, type GivenConsent } from '../records/consent.js';
import { boundTo, requireOwnId } from '../records/bound.js';
import { addSpeaker } from '../records/add-speaker.js';
import { giveConsent } from '../records/give-consent.js';
import { groupsInstead, recordGroups, requireGroup } from '../records/membership.js';
import { metadataEntry, speakerMetadata } from '../records/metadata.js';
import type { Profile } from '../records/profile.js';
import { Places } from '../http/pages.js';
import { CurrentModel } from '../voices/current-model.js';
import { sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { ItemKey } from '../records/job.repository.js';
import { forgetSpeaker } from '../records/settle-item.js';
import { BlobStore } from '../uploads/blob-store.js';
import { Maintenance } from '../records/maintenance.js';
import { receiptNotFound, type Receipt } from '../records/receipt.js';
import { keptOf } from '../records/kept-recording.js';
import type { Voice } from '../records/voice.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import type { SearchPlace, SpeakerFilter } from '../records/speaker.repository.js';
import { speakerNotFound, newSpeaker, speakerName, type Speaker } from '../records/speaker.js';
import { requireSpeaker } from '../records/require-speaker.js';
import { speakerId } from '../../support/speaker-id.js';

export interface SpeakerPage {
  voices: Voice[];
  /** Of all pages; null where that would have to be counted. */
  total: number | null;
  nextCursor: string | null;
}

export interface SpeakerProfile {
  speaker: Speaker;
  profile: Profile | null;
  origin: EmbeddingOrigin;
}

/** Whom a caller wants to be there. */
export interface GivenSpeaker extends GivenChanges {
  id: string;
  consent?: GivenConsent | undefined;
}

/** What a caller may say of a speaker; what is left out stays. */
export interface GivenChanges {
  name?: string | null | undefined;
  /** Ids: these, and no others. */
  groups?: readonly string[] | undefined;
  /** This, and nothing else. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Whom a list is of. */
export interface GivenFilter {
  /** Id of a group. */
  group?: string | undefined;
  /** Beginnings of the id and of the name. */
  id?: string | undefined;
  name?: string | undefined;
  /** One entry, `key=value`. */
  metadata?: string | undefined;
}

/** Speakers added in one transaction, so that a long list does not hold up everybody else. */
const ADDED_AT_ONCE = 50;

const PLACES = new Places<[createdAt: number, id: string]>('speakers', ['number', 'string']);
const FOUND = new Places<SearchPlace>('speakers found', ['string', 'number', 'string']);

@Injectable()
export class SpeakersService {
  private readonly logger = new Logger('Speakers');

  constructor(
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly maintenance: Maintenance,
    private readonly blobs: BlobStore,
  ) {}

  /** Errors: INVALID_ARGUMENT, SPEAKER_EXISTS, GROUP_NOT_FOUND, those of the storage. */
  async create({
    consent,
    groups,
    ...given
  }: Omit<GivenSpeaker, 'id'> & { id?: string | undefined }): Promise<Speaker> {
    const now = new Date();
    const speaker = newSpeaker(given, now);
    requireOwnId(given.id && speaker.id);
    return this.store.transaction((records) => addSpeaker(records, speaker, groups, consent, now));
  }

  /**
   * The speaker with this id as it is said, added where there is none. A consent is recorded where there is none; who has opted
   * out stays out. Errors: INVALID_ARGUMENT, GROUP_NOT_FOUND, those of the storage.
   */
  async put({ id: given, consent, ...changes }: GivenSpeaker): Promise<Voice & { added: boolean }> {
    const now = new Date();
    const id = speakerId(given);
    const origin = this.model.lastOrigin();
    const { groups, ...own } = changes;
    const made = newSpeaker({ ...own, id }, now);
    return this.store.transaction(async (records) => {
      const found = await records.speakers.find(id);
      if (!found) {
        requireOwnId(id);
        const speaker = await addSpeaker(records, made, groups, consent, now);
        return { speaker, profile: null, keptRecordings: 0, added: true };
      }
      let speaker = await change(records, found, changes, now);
      if (consent && consentStatus(speaker) === 'NOT_RECORDED') {
        speaker = await giveConsent(records, speaker, consent, now);
      }
      return { ...(await voiceOf(records, speaker, origin)), added: false };
    });
  }

  /**
   * Adds those who are not there yet, each with the first name and the first consent given, where `create` allows it.
   * Records the consent of those who are there and have none; who has opted out stays out.
   * Errors: INVALID_ARGUMENT, those of the storage and of the steps.
   */
  async prepare(
    given: readonly Pick<GivenSpeaker, 'id' | 'name' | 'consent'>[],
    create: boolean,
    steps = new Steps(),
  ): Promise<void> {
    const now = new Date();
    const wanted = new Map<string, { speaker: Speaker; consent: GivenConsent | undefined }>();
    for (const { consent, ...one } of given) {
      await steps.next();
      const speaker = newSpeaker(one, now);
      // What is wrong with a consent is told before anything is stored.
      if (consent) newConsent(consent, speaker, now);
      const before = wanted.get(speaker.id);
      if (!before) wanted.set(speaker.id, { speaker, consent });
      else {
        before.speaker.name ??= speaker.name;
        before.consent ??= consent;
      }
    }
    const all = [...wanted.values()].filter(({ consent }) => create || consent);
    for (let i = 0; i < all.length; i += ADDED_AT_ONCE) {
      const batch = all.slice(i, i + ADDED_AT_ONCE);
      await steps.next();
      await this.store.transaction(async (records) => {
        const found = await records.speakers.findMany(batch.map(({ speaker }) => speaker.id));
        const there = new Map(found.map((one) => [one.id, one]));
        for (const { speaker, consent } of batch) {
          const known = there.get(speaker.id);
          if (!known && create) {
            requireOwnId(speaker.id);
            await addSpeaker(records, speaker, undefined, consent, now);
          }
          if (known && consent && consentStatus(known) === 'NOT_RECORDED') {
            await giveConsent(records, known, consent, now);
          }
        }
      });
    }
  }

  /** Errors: SPEAKER_NOT_FOUND, those of the storage. */
  get(id: string): Promise<Voice> {
    const origin = this.model.lastOrigin();
    return this.store.read(async (records) => voiceOf(records, await requireSpeaker(records, id), origin));
  }

  /**
   * Oldest first; of who is looked for by name or id in the order of these.
   * Errors: INVALID_ARGUMENT for a cursor of nobody's, GROUP_NOT_FOUND, those of the storage.
   */
  async page(limit: number, cursor: string | undefined, given: GivenFilter = {}): Promise<SpeakerPage> {
    const filter = filterOf(given);
    if (!boundTo() && Object.values(given).every((value) => value === undefined)) return this.everybody(limit, cursor);
    const after = FOUND.decode(cursor);
    return this.store.read(async (records) => {
      const group = given.group === undefined ? undefined : await requireGroup(records, given.group);
      // One more than asked for tells whether there is another page.
      const found = await records.speakers.search({ ...filter, group: group?.uid }, after, limit + 1);
      const { rows, nextCursor } = FOUND.page(found, limit, ({ place }) => place);
      return {
        voices: await this.withProfiles(
          records,
          rows.flatMap(({ speaker }) => speaker ?? []),
        ),
        total: await totalOf(records, given),
        nextCursor,
      };
    });
  }

  private async everybody(limit: number, cursor: string | undefined): Promise<SpeakerPage> {
    const after = PLACES.decode(cursor);
    return this.store.read(async (records) => {
      const found = await records.speakers.page(after && { createdAt: new Date(after[0]), id: after[1] }, limit + 1);
      const { rows, nextCursor } = PLACES.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      return {
        voices: await this.withProfiles(records, rows),
        total: await records.speakers.count(),
        nextCursor,
      };
    });
  }

  private async withProfiles({ profiles, recordings }: VoiceRecords, speakers: readonly Speaker[]): Promise<Voice[]> {
    const origin = this.model.lastOrigin();
    const ids = speakers.map(({ id }) => id);
    const found = origin ? await profiles.states(ids, origin) : [];
    const known = new Map(found.map((profile) => [profile.speakerId, profile]));
    const kept = await recordings.countOf(ids);
    return speakers.map((speaker) => ({
      speaker,
      profile: known.get(speaker.id) ?? null,
      keptRecordings: kept.get(speaker.id) ?? 0,
    }));
  }

  /**
   * Gives the speaker another name, other groups or other metadata. Errors: SPEAKER_NOT_FOUND, GROUP_NOT_FOUND,
   * INVALID_ARGUMENT, CONFLICT where `version` is not the stored one, those of the storage.
   */
  update(id: string, { version, ...changes }: GivenChanges & { version?: number | undefined }): Promise<Voice> {
    const origin = this.model.lastOrigin();
    return this.store.transaction(async (records) => {
      const found = await requireSpeaker(records, id);
      const speaker = await change(records, { ...found, version: version ?? found.version }, changes, new Date());
      return voiceOf(records, speaker, origin);
    });
  }

  /**
   * Deletes the speaker, all enrolments and profiles for good. What is committed is told, also where wiping has to be
   * finished later: the receipt says when it was. Errors: SPEAKER_NOT_FOUND, those of the storage.
   */
  async erase(id: string): Promise<Receipt> {
    const [receipt] = await this.eraseThose(async ({ speakers }) => {
      const found = await requireSpeaker({ speakers }, id);
      return [found];
    });
    if (!receipt) throw new Error('an erasure without a receipt');
    return receipt;
  }

  /** A receipt, and how many rows there are of the speaker in spite of it. Errors: RECEIPT_NOT_FOUND. */
  receipt(id: string): Promise<{ receipt: Receipt; remains: number }> {
    return this.store.read(async ({ receipts }) => {
      const receipt = await receipts.find(id);
      // Who is bound to groups sees those of the own erasures.
      if (!receipt || (boundTo() && receipt.by !== currentActor().by)) throw receiptNotFound(id);
      return { receipt, remains: await receipts.remains(receipt.subject) };
    });
  }

  /** Who is erased is decided in the transaction that erases. Errors: those of the storage. */
  async eraseThose(choose: (records: VoiceRecords) => Promise<Speaker[]>): Promise<Receipt[]> {
    const { receipts, uploads } = await this.store.transaction(async (records) => {
      const now = new Date();
      const made: Receipt[] = [];
      const waiting: ItemKey[] = [];
      for (const speaker of await choose(records)) {
        const { subject } = speaker;
        const { uploads: some, recordings } = await forgetSpeaker(records.jobs, speaker.id, now);
        const counts = await records.speakers.erase(speaker.id);
        if (!counts) throw new Error('a speaker is there and is not');
        const { by } = currentActor();
        const receipt = {
          id: randomUUID(),
          subject,
          erasedAt: now,
          by,
          ...counts,
          jobRecordings: recordings,
          wipedAt: null,
          wipes: this.maintenance.wipes,
        };
        await records.receipts.insert(receipt);
        await records.audit.record({ action: 'speaker.erased', subject, object: receipt.id });
        made.push(receipt);
        waiting.push(...some);
      }
      return { receipts: made, uploads: waiting };
    });
    if (receipts.length === 0) return receipts;
    for (const upload of uploads) await this.removeUpload(upload);
    await this.maintenance.wipeSoon();
    return receipts;
  }

  /** The next start removes what is left of one that cannot be removed now. */
  private async removeUpload(upload: ItemKey): Promise<void> {
    await this.blobs.remove(upload).catch((error: unknown) => {
      this.logger.warn({
        jobId: upload.jobId,
        err: error,
        msg: 'an upload of who was erased could not be removed yet',
      });
    });
  }

  /**
   * Errors: SPEAKER_NOT_FOUND, MODEL_MISMATCH where the speaker was enrolled with other models only,
   * those of the storage.
   */
  profile(id: string): Promise<SpeakerProfile> {
    const origin = this.model.origin();
    return this.store.readOne((records) => profileOf(records, id, origin));
  }

  /**
   * With the other models that the speaker was enrolled with; needs no model where one was loaded before.
   * Errors: as of `profile`.
   */
  profileBeside(id: string): Promise<SpeakerProfile & { others: EmbeddingOrigin[] }> {
    const origin = this.model.lastOrigin() ?? this.model.origin();
    return this.store.read(async (records) => {
      const found = await profileOf(records, id, origin);
      return { ...found, others: await otherOrigins(records, id, origin) };
    });
  }
}

async function voiceOf(records: VoiceRecords, speaker: Speaker, origin: EmbeddingOrigin | null): Promise<Voice> {
  const profile = origin && (await records.profiles.state(speaker.id, origin));
  return { speaker, profile, keptRecordings: await keptOf(records, speaker.id) };
}

async function change(
  records: VoiceRecords,
  speaker: Speaker,
  { name, groups: groupIds, metadata }: GivenChanges,
  now: Date,
): Promise<Speaker> {
  const { subject } = speaker;
  const groups = groupIds ? await groupsInstead(records, speaker, groupIds) : speaker.groups;
  const changed = await records.speakers.update({
    ...speaker,
    name: name === undefined ? speaker.name : name === null ? null : speakerName(name),
    groups,
    metadata: metadata ? speakerMetadata(metadata) : speaker.metadata,
    updatedAt: now,
  });
  if (name !== undefined || (!groupIds && !metadata))
    await records.audit.record({ action: 'speaker.renamed', subject });
  if (metadata) await records.audit.record({ action: 'speaker.described', subject });
  await recordGroups(records, speaker, speaker.groups, groups);
  return changed;
}

/** Errors: INVALID_ARGUMENT. */
function filterOf({ id, name, metadata }: GivenFilter): SpeakerFilter {
  const at = metadata?.indexOf('=') ?? 0;
  if (at < 0) throw new TimbreError('INVALID_ARGUMENT', 'metadata is one entry to look for, as key=value');
  return {
    id: id?.normalize('NFC'),
    name: name?.normalize('NFC'),
    metadata: metadata === undefined ? undefined : metadataEntry(metadata.slice(0, at), metadata.slice(at + 1)),
  };
}

/** How many speakers there are of a group, or of everybody; null where they would have to be counted. */
async function totalOf(records: VoiceRecords, { group, ...others }: GivenFilter): Promise<number | null> {
  if (Object.values(others).some((value) => value !== undefined)) return null;
  const bound = boundTo();
  const id = group ?? (bound?.length === 1 ? bound[0]!.id : undefined);
  return id === undefined ? null : (await requireGroup(records, id)).members;
}

async function profileOf(records: VoiceRecords, id: string, origin: EmbeddingOrigin): Promise<SpeakerProfile> {
  const found = await records.profiles.withSpeaker(id, origin);
  if (!found) throw speakerNotFound(id);
  if (!found.profile) {
    const others = await otherOrigins(records, id, origin);
    if (others.length > 0) throw enrolledElsewhere(id, origin, others);
  }
  return { ...found, origin };
}

async function otherOrigins(
  { profiles }: VoiceRecords,
  id: string,
  origin: EmbeddingOrigin,
): Promise<EmbeddingOrigin[]> {
  return (await profiles.origins(id)).filter((one) => !sameOrigin(one, origin));
}

function enrolledElsewhere(id: string, origin: EmbeddingOrigin, others: readonly EmbeddingOrigin[]): TimbreError {
  const models = others.map(({ model }) => model).join(', ');
  return new TimbreError(
    'MODEL_MISMATCH',
    `speaker ${JSON.stringify(id)} was enrolled with ${models}, the loaded model is ${origin.model} ` +
      `(front end ${origin.frontEnd}); enrol the speaker again, or load that model`,
    { details: { enrolledWith: others, loaded: origin } },
  );
}
