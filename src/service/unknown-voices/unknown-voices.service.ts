import { Injectable } from '@nestjs/common';
import { createHash, randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { plainText } from '../../support/plain-text.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Config } from '../config/config.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { ProfileKeeper } from '../enrollments/profile-keeper.js';
import { requireRoom } from '../enrollments/require-room.js';
import { Places } from '../http/pages.js';
import { addSpeaker } from '../records/add-speaker.js';
import type { AuditAction } from '../records/audit-entry.js';
import { requireOwnId } from '../records/bound.js';
import { consentStatus, requireConsent, type GivenConsent } from '../records/consent.js';
import { sameOrigin } from '../records/embedding.js';
import type { Enrollment } from '../records/enrollment.js';
import { giveConsent } from '../records/give-consent.js';
import { Maintenance } from '../records/maintenance.js';
import { meanVoice } from '../records/profile.js';
import { judgeUnmeasured, unmeasured } from '../records/recording-quality.js';
import { requireSpeaker } from '../records/require-speaker.js';
import { newSpeaker, type Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import {
  LONGEST_REASON,
  requireOpen,
  requireVersion,
  sumsOf,
  unknownVoiceNotFound,
  type EmbeddedShare,
  type UnknownVoice,
  type UnknownVoiceState,
  type VoiceShare,
  type VoiceStep,
  type VoiceStepAction,
  type VoiceStepDetail,
} from '../records/unknown-voice.js';
import type { UnknownVoicePlace, VoiceStepPlace } from '../records/unknown-voice.repository.js';
import { CurrentModel } from '../voices/current-model.js';
import { takeBack, type TakenBack } from './take-back.js';

const VOICES = new Places<UnknownVoicePlace>('unknown voices', ['number', 'string']);
const STEPS = new Places<VoiceStepPlace>('ledger of an unknown voice', ['number', 'string']);

/** What every step says beside what it does. */
export interface StepGiven {
  /** Why, for people. */
  reason?: string | undefined;
  /** The version that the caller has seen; left out: whatever it is. */
  version?: number | undefined;
}

/** Whose a voice is: a speaker who is there, or one who is added. */
export interface NameGiven extends StepGiven {
  speakerId?: string | undefined;
  create?: { id?: string | undefined; name?: string | null | undefined; groups?: string[] | undefined } | undefined;
  /** Recorded where the speaker has none. */
  consent?: GivenConsent | undefined;
}

/** A voice with its speaker, where the caller may know of him. */
export interface ToldVoice {
  voice: UnknownVoice;
  speaker: Speaker | null;
  shares: VoiceShare[];
  /** How the recordings of its conversations were named, by the id of the conversation. */
  fileNames: ReadonlyMap<string, string | null>;
}

export interface UnknownVoicePage {
  voices: Pick<ToldVoice, 'voice' | 'speaker'>[];
  total: number;
  nextCursor: string | null;
}

/** A voice after a step, the other one of it where there is one, and the step. */
export interface Stepped {
  id: string;
  otherId: string | null;
  step: VoiceStep;
}

/**
 * What people say about voices that got no name. Each step is an entry of the voice's ledger, with a way back. Errors of every
 * call: UNKNOWN_VOICE_NOT_FOUND, those of the storage; of every step also CONFLICT for another version, UNKNOWN_VOICE_SETTLED for a
 * voice that is not open, INVALID_ARGUMENT for a reason that is no line of text.
 */
@Injectable()
export class UnknownVoicesService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly keeper: ProfileKeeper,
    private readonly consent: ConsentPolicy,
    private readonly trail: AuditTrail,
    private readonly maintenance: Maintenance,
    private readonly config: Config,
  ) {}

  /** Most speech first. Errors: INVALID_ARGUMENT for a cursor of another list. */
  page(state: UnknownVoiceState, limit: number, cursor: string | undefined): Promise<UnknownVoicePage> {
    const after = VOICES.decode(cursor);
    return this.store.read(async (records) => {
      const found = await records.unknownVoices.page(state, after, limit + 1);
      const { rows, nextCursor } = VOICES.page(found, limit, ({ speechSeconds, id }) => [
        Math.round(speechSeconds * 1000),
        id,
      ]);
      const ids = rows.flatMap(({ speakerId }) => speakerId ?? []);
      const speakers = new Map((await records.speakers.findMany([...new Set(ids)])).map((one) => [one.id, one]));
      const voices = rows.map((voice) => ({ voice, speaker: speakers.get(voice.speakerId ?? '') ?? null }));
      return { voices, total: await records.unknownVoices.count(state), nextCursor };
    });
  }

  get(id: string): Promise<ToldVoice> {
    return this.store.read(async (records) => {
      const voice = await requireVoice(records, id);
      const shares = await records.unknownVoices.shares(id);
      const conversations = new Set(shares.flatMap(({ conversationId }) => conversationId ?? []));
      const { speakerId } = voice;
      return {
        voice,
        speaker: speakerId === null ? null : await records.speakers.find(speakerId),
        shares,
        fileNames: await records.conversations.fileNames([...conversations]),
      };
    });
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of another list. */
  ledger(
    id: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ rows: VoiceStep[]; nextCursor: string | null }> {
    const after = STEPS.decode(cursor);
    return this.store.read(async (records) => {
      await requireVoice(records, id);
      const found = await records.unknownVoices.steps(id, after, limit + 1);
      return STEPS.page(found, limit, (step) => [step.at.getTime(), step.id]);
    });
  }

  /**
   * Makes the voice a speaker's: each share becomes a recording of the profile, and the turns of its conversations have the name
   * from then on. Errors: SPEAKER_NOT_FOUND, SPEAKER_EXISTS, GROUP_NOT_FOUND, OPTED_OUT, CONSENT_REQUIRED, MODEL_NOT_READY,
   * INVALID_ARGUMENT also unless one of `speakerId` and `create` is given, and for more recordings than a speaker may have.
   */
  async name(id: string, { speakerId, create, consent, ...given }: NameGiven): Promise<Stepped> {
    if ((speakerId === undefined) === (create === undefined)) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        'say whose voice it is by speakerId, or who is added by create: one of them',
      );
    }
    return this.step(id, 'named', given, async (records, voice) => {
      const { origin } = voice;
      const now = new Date();
      let speaker = create ? await this.added(records, create, now) : await requireSpeaker(records, speakerId!);
      if (consent && consentStatus(speaker) === 'NOT_RECORDED') {
        speaker = await giveConsent(records, speaker, consent, now);
      }
      this.requireConsent(speaker, create !== undefined);
      const enrollments: string[] = [];
      for (const share of await records.unknownVoices.withEmbeddings(id)) {
        const enrollment = this.enrollment(speaker.id, share);
        if (!(await records.enrollments.insert(enrollment))) continue;
        const { id: enrollmentId, contentSha256 } = enrollment;
        const entry = { speakerId: speaker.id, action: 'named', origin, enrollmentId, contentSha256 } as const;
        await records.ledger.append(entry);
        await records.audit.record({ action: 'enrollment.added', subject: speaker.subject, object: enrollmentId });
        enrollments.push(enrollmentId);
      }
      const { enrolled } = await this.keeper.renew(records, speaker, origin);
      requireRoom(enrolled, this.config);
      await records.unknownVoices.update({ ...voice, state: 'named', speakerId: speaker.id, updatedAt: now });
      return { subject: speaker.subject, detail: { subject: speaker.subject, enrollments } };
    });
  }

  /**
   * Gives the shares of another voice to this one, because they are one person. Errors: INVALID_ARGUMENT for the voice itself and for
   * one that others may see, MODEL_MISMATCH for voices of different models.
   */
  async merge(id: string, fromId: string, given: StepGiven): Promise<Stepped> {
    return this.step(id, 'merged', given, async (records, voice) => {
      const from = await this.other(records, voice, fromId, 'from');
      const now = new Date();
      const all = (await records.unknownVoices.shares(from.id)).map((share) => share.id);
      const shares = await records.unknownVoices.move(all, from.id, id);
      await renew(records, voice, now);
      const nothing = { speechSeconds: 0, shares: 0 };
      await records.unknownVoices.update({ ...from, ...nothing, state: 'merged', mergedInto: id, updatedAt: now });
      return { otherId: from.id, detail: { shares } };
    });
  }

  /**
   * Makes a voice of its own of what some conversations have of this one, because that is another person. Errors: INVALID_ARGUMENT
   * for a conversation that has nothing of it, and where nothing would be left.
   */
  async split(id: string, conversations: readonly string[], given: StepGiven): Promise<Stepped> {
    return this.step(id, 'split', given, async (records, voice) => {
      const all = await records.unknownVoices.shares(id);
      const taken = takenOf(all, conversations);
      const now = new Date();
      const made = { ...voice, ...sumsOf(taken), id: randomUUID(), createdAt: now, updatedAt: now, version: 1 };
      await records.unknownVoices.insert(made);
      const shares = await records.unknownVoices.move(
        taken.map((share) => share.id),
        id,
        made.id,
      );
      await renew(records, voice, now);
      return { otherId: made.id, detail: { shares } };
    });
  }

  /**
   * Gives what a conversation has of this voice, or one label of it, to another voice that is there. Errors: as of `merge` and
   * `split`.
   */
  async reassign(
    id: string,
    { conversationId, label, to: toId }: { conversationId: string; label?: string | undefined; to: string },
    given: StepGiven,
  ): Promise<Stepped> {
    return this.step(id, 'reassigned', given, async (records, voice) => {
      const to = await this.other(records, voice, toId, 'to');
      const all = await records.unknownVoices.shares(id);
      const taken = takenOf(all, [conversationId], label);
      const now = new Date();
      const shares = await records.unknownVoices.move(
        taken.map((share) => share.id),
        id,
        to.id,
      );
      for (const one of [voice, to]) await renew(records, one, now);
      return { otherId: to.id, detail: { shares } };
    });
  }

  /** It is no voice: it is in the inbox no more. */
  async dismiss(id: string, given: StepGiven): Promise<Stepped> {
    return this.step(id, 'dismissed', given, async (records, voice) => {
      await records.unknownVoices.update({ ...voice, state: 'dismissed', updatedAt: new Date() });
      return { detail: {} };
    });
  }

  /**
   * The voice is never kept again. Nothing is left of it but one embedding, by which it is recognised: what was kept of
   * conversations, and the ledger, are deleted. Errors: INVALID_ARGUMENT where its embeddings cancel each other out.
   */
  async block(id: string, given: StepGiven): Promise<Stepped> {
    return this.step(id, 'blocked', given, async (records, voice) => {
      const all = await records.unknownVoices.withEmbeddings(id);
      const embedding = meanVoice(all.map((share) => share.embedding));
      if (!embedding)
        throw new TimbreError('INVALID_ARGUMENT', 'the voice cannot be recognised again: delete it instead');
      const now = new Date();
      const nothing = { conversationId: null, label: '', heardAt: now, intervals: [] };
      const ownSeconds = all.reduce((sum, share) => sum + share.ownSeconds, 0);
      const share = { id: randomUUID(), voiceId: id, ...nothing, ownSeconds, origin: voice.origin, embedding };
      await records.unknownVoices.reduce(voice, share);
      await records.unknownVoices.update({ ...voice, ...sumsOf([share]), state: 'blocked', updatedAt: now });
      return { detail: {} };
    });
  }

  /** Deletes all that is stored of it for good; recordings of a speaker that it was named as stay. */
  async delete(id: string): Promise<void> {
    await this.store.transaction(async (records) => {
      if (!(await records.unknownVoices.delete(id))) throw unknownVoiceNotFound(id);
      await records.audit.record({ action: 'unknown-voice.deleted', object: id });
    });
    await this.maintenance.wipeSoon();
  }

  /**
   * Takes a step back. Errors: LEDGER_ENTRY_NOT_FOUND, LEDGER_ENTRY_UNDONE, LEDGER_ENTRY_FINAL where what it was made of is not there
   * any more, UNKNOWN_VOICE_SETTLED where a later step has to be undone first, MODEL_NOT_READY.
   */
  async undo(id: string, stepId: string): Promise<TakenBack> {
    const done = await this.store.transaction(async (records) => {
      const voice = await requireVoice(records, id);
      const taken = await takeBack(records, voice, stepId, this.keeper);
      await records.audit.record({ action: 'unknown-voice.undone', object: id });
      return taken;
    });
    await this.maintenance.wipeSoon();
    return done;
  }

  private async step(
    id: string,
    action: VoiceStepAction,
    { reason, version }: StepGiven,
    work: (
      records: VoiceRecords,
      voice: UnknownVoice,
    ) => Promise<{ otherId?: string; subject?: string; detail: VoiceStepDetail }>,
  ): Promise<Stepped> {
    const said = reason === undefined ? null : plainText('the reason', reason, LONGEST_REASON);
    const done = await this.store.transaction(async (records) => {
      const voice = await requireVoice(records, id);
      requireVersion(voice, version);
      requireOpen(voice);
      const { otherId = null, subject, detail } = await work(records, voice);
      const step = await records.unknownVoices.append({ voiceId: id, otherId, action, reason: said, detail });
      const told: AuditAction = `unknown-voice.${action}`;
      await records.audit.record({ action: told, object: id, ...(subject !== undefined && { subject }) });
      return { id, otherId, step };
    });
    // Vectors were sealed anew, or deleted.
    await this.maintenance.wipeSoon();
    return done;
  }

  private async added(
    records: VoiceRecords,
    { groups, ...given }: NonNullable<NameGiven['create']>,
    now: Date,
  ): Promise<Speaker> {
    const speaker = newSpeaker(given, now);
    requireOwnId(given.id === undefined ? undefined : speaker.id);
    return addSpeaker(records, speaker, groups, undefined, now);
  }

  /** Errors: OPTED_OUT, CONSENT_REQUIRED. */
  private requireConsent(speaker: Speaker, isNew: boolean): void {
    try {
      requireConsent(speaker, this.consent.required);
    } catch (error) {
      const outcome = error instanceof TimbreError ? error.code : 'INTERNAL';
      // Who was to be added is not there, and has no subject.
      if (!isNew) this.trail.note({ action: 'enrollment.refused', subject: speaker.subject, outcome });
      throw error;
    }
  }

  private enrollment(speakerId: string, { id, heardAt, ownSeconds, origin, embedding }: EmbeddedShare): Enrollment {
    const measures = { ...unmeasured(ownSeconds), speechSeconds: ownSeconds };
    return {
      id: randomUUID(),
      speakerId,
      createdAt: heardAt,
      fileName: null,
      // The recording is not known any more: one share is one recording.
      contentSha256: createHash('sha256').update(`share of an unknown voice ${id}`).digest('hex'),
      origin,
      embedding,
      measures,
      verdict: judgeUnmeasured(measures, this.model.recordingLimits()),
      kind: 'named',
      setAside: null,
    };
  }

  /** The other voice of a step: open, of the same model, and seen by the same. */
  private async other(records: VoiceRecords, voice: UnknownVoice, id: string, field: string): Promise<UnknownVoice> {
    if (id === voice.id) {
      throw new TimbreError('INVALID_ARGUMENT', `${field} is the voice itself: name another one`);
    }
    const other = await requireVoice(records, id);
    requireOpen(other);
    if (!sameOrigin(voice.origin, other.origin)) {
      throw new TimbreError(
        'MODEL_MISMATCH',
        `the voices are of different models (${voice.origin.model} and ${other.origin.model}) and cannot be one`,
      );
    }
    if (JSON.stringify(voice.boundTo) !== JSON.stringify(other.boundTo)) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        'the voices were heard for API keys that are bound to different groups: their conversations stay apart',
      );
    }
    return other;
  }
}

/** Errors: UNKNOWN_VOICE_NOT_FOUND. */
async function requireVoice({ unknownVoices }: VoiceRecords, id: string): Promise<UnknownVoice> {
  const found = await unknownVoices.find(id);
  if (!found) throw unknownVoiceNotFound(id);
  return found;
}

/** Sums a voice up anew, from the shares that it has now. */
async function renew({ unknownVoices }: VoiceRecords, voice: UnknownVoice, now: Date): Promise<UnknownVoice> {
  const sums = sumsOf(await unknownVoices.shares(voice.id));
  return unknownVoices.update({ ...voice, ...sums, updatedAt: now });
}

/** Errors: INVALID_ARGUMENT. */
function takenOf(all: readonly VoiceShare[], conversations: readonly string[], label?: string): VoiceShare[] {
  const isOf = (share: VoiceShare, id: string): boolean =>
    share.conversationId === id && (label === undefined || share.label === label);
  const without = conversations.find((id) => !all.some((share) => isOf(share, id)));
  if (without !== undefined) {
    const which = label === undefined ? '' : ` under the label ${JSON.stringify(label.slice(0, 8))}`;
    throw new TimbreError('INVALID_ARGUMENT', `the conversation ${without} has nothing of the voice${which}`);
  }
  const taken = all.filter((share) => conversations.some((id) => isOf(share, id)));
  if (taken.length < all.length) return taken;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    'nothing would be left of the voice: leave out a conversation, or merge the voice into another one',
  );
}
