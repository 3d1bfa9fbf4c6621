import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { currentActor } from '../../support/actor.js';
import { Steps } from '../../support/steps.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { consentStatus, newConsent, type GivenConsent } from '../records/consent.js';
import { giveConsent } from '../records/give-consent.js';
import type { Profile } from '../records/profile.js';
import { Places } from '../http/pages.js';
import { CurrentModel } from '../voices/current-model.js';
import { sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { ItemKey } from '../records/job.repository.js';
import { forgetSpeaker } from '../records/settle-item.js';
import { BlobStore } from '../uploads/blob-store.js';
import { Maintenance } from '../records/maintenance.js';
import { receiptNotFound, type Receipt } from '../records/receipt.js';
import type { Voice } from '../records/voice.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { newSpeaker, speakerName, speakerNotFound, type Speaker } from '../records/speaker.js';

export interface SpeakerPage {
  voices: Voice[];
  total: number;
  nextCursor: string | null;
}

export interface SpeakerProfile {
  speaker: Speaker;
  profile: Profile | null;
  origin: EmbeddingOrigin;
}

/** Whom a caller wants to be there. */
export interface GivenSpeaker {
  id: string;
  name?: string | null | undefined;
  consent?: GivenConsent | undefined;
}

/** Speakers added in one transaction, so that a long list does not hold up everybody else. */
const ADDED_AT_ONCE = 50;

const PLACES = new Places<[createdAt: number, id: string]>('speakers', ['number', 'string']);

@Injectable()
export class SpeakersService {
  private readonly logger = new Logger('Speakers');

  constructor(
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly maintenance: Maintenance,
    private readonly blobs: BlobStore,
  ) {}

  /** Errors: INVALID_ARGUMENT, SPEAKER_EXISTS, those of the storage. */
  create({ consent, ...given }: Omit<GivenSpeaker, 'id'> & { id?: string | undefined }): Promise<Speaker> {
    const now = new Date();
    const speaker = newSpeaker(given, now);
    return this.store.transaction((records) => add(records, speaker, consent, now));
  }

  /**
   * Adds those who are not there yet, each with the first name and the first consent given, where `create` allows it.
   * Records the consent of those who are there and have none; who has opted out stays out.
   * Errors: INVALID_ARGUMENT, those of the storage and of the steps.
   */
  async prepare(given: readonly GivenSpeaker[], create: boolean, steps = new Steps()): Promise<void> {
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
          if (!known && create) await add(records, speaker, consent, now);
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
    return this.store.read(async ({ speakers, profiles }) => {
      const speaker = await speakers.find(id);
      if (!speaker) throw speakerNotFound(id);
      return { speaker, profile: origin && (await profiles.state(id, origin)) };
    });
  }

  /** Oldest first. Errors: INVALID_ARGUMENT for a cursor of nobody's, those of the storage. */
  page(limit: number, cursor: string | undefined): Promise<SpeakerPage> {
    const after = PLACES.decode(cursor);
    const origin = this.model.lastOrigin();
    return this.store.read(async ({ speakers, profiles }) => {
      // One more than asked for tells whether there is another page.
      const found = await speakers.page(after && { createdAt: new Date(after[0]), id: after[1] }, limit + 1);
      const { rows, nextCursor } = PLACES.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      const ids = rows.map(({ id }) => id);
      const known = new Map(
        (origin ? await profiles.states(ids, origin) : []).map((profile) => [profile.speakerId, profile]),
      );
      return {
        voices: rows.map((speaker) => ({ speaker, profile: known.get(speaker.id) ?? null })),
        total: await speakers.count(),
        nextCursor,
      };
    });
  }

  /**
   * Gives the speaker another name. Errors: SPEAKER_NOT_FOUND, INVALID_ARGUMENT, CONFLICT where `version` is not the
   * stored one, those of the storage.
   */
  update(
    id: string,
    { name, version }: { name?: string | null | undefined; version?: number | undefined },
  ): Promise<Voice> {
    const origin = this.model.lastOrigin();
    const renamed = name == null ? name : speakerName(name);
    return this.store.transaction(async ({ speakers, profiles, audit }) => {
      const found = await speakers.find(id);
      if (!found) throw speakerNotFound(id);
      const speaker = await speakers.update({
        ...found,
        name: renamed === undefined ? found.name : renamed,
        version: version ?? found.version,
        updatedAt: new Date(),
      });
      await audit.record({ action: 'speaker.renamed', subject: found.subject });
      return { speaker, profile: origin && (await profiles.state(id, origin)) };
    });
  }

  /**
   * Deletes the speaker, all enrolments and profiles for good. What is committed is told, also where wiping has to be
   * finished later: the receipt says when it was. Errors: SPEAKER_NOT_FOUND, those of the storage.
   */
  async erase(id: string): Promise<Receipt> {
    const [receipt] = await this.eraseThose(async ({ speakers }) => {
      const found = await speakers.find(id);
      if (!found) throw speakerNotFound(id);
      return [found];
    });
    if (!receipt) throw new Error('an erasure without a receipt');
    return receipt;
  }

  /** A receipt, and how many rows there are of the speaker in spite of it. Errors: RECEIPT_NOT_FOUND. */
  receipt(id: string): Promise<{ receipt: Receipt; remains: number }> {
    return this.store.read(async ({ receipts }) => {
      const receipt = await receipts.find(id);
      if (!receipt) throw receiptNotFound(id);
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
    return this.store.read((records) => profileOf(records, id, origin));
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

async function add(
  records: VoiceRecords,
  speaker: Speaker,
  consent: GivenConsent | undefined,
  now: Date,
): Promise<Speaker> {
  await records.speakers.insert(speaker);
  await records.audit.record({ action: 'speaker.created', subject: speaker.subject });
  return consent ? giveConsent(records, speaker, consent, now) : speaker;
}

async function profileOf(records: VoiceRecords, id: string, origin: EmbeddingOrigin): Promise<SpeakerProfile> {
  const speaker = await records.speakers.find(id);
  if (!speaker) throw speakerNotFound(id);
  const profile = await records.profiles.find(id, origin);
  if (!profile) {
    const others = await otherOrigins(records, id, origin);
    if (others.length > 0) throw enrolledElsewhere(id, origin, others);
  }
  return { speaker, profile, origin };
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
