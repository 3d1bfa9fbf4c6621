import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { ConversationResult, Interval } from '../../addon/types.js';
import { bestClips } from '../../conversations/best-clips.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Scorer } from '../../scoring/scorer.js';
import { LEAST_OWN_SPEECH, nameVoices, type NoNameReason, type Voice } from '../../scoring/voice-names.js';
import { readPages } from '../../support/read-pages.js';
import type { Steps } from '../../support/steps.js';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Metrics } from '../metrics/metrics.service.js';
import { boundTo } from '../records/bound.js';
import type { Conversation } from '../records/conversation.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { meanVoice } from '../records/profile.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { sumsOf, type EmbeddedShare, type JoinEvidence, type UnknownVoice } from '../records/unknown-voice.js';
import type { ComparedVoice } from '../records/unknown-voice.repository.js';
import { ClosestVoices } from '../voices/closest-voices.js';
import { CurrentModel } from '../voices/current-model.js';
import { sideOf, type IndexedVoice } from '../voices/voice-index.js';

/** Voices that are read, and opened, in one piece. */
const COMPARED_AT_ONCE = 50;

/**
 * Why a voice has no name and is kept all the same. The others are known people as a rule: two of them in one voice, or a
 * second voice of somebody who was named; or there is too little speech to tell.
 */
const KEPT: readonly NoNameReason[] = ['NOT_ENROLLED', 'REJECT', 'AMBIGUOUS'];

/** A voice of a conversation that is to be kept. */
interface ToKeep extends Pick<Voice, 'label' | 'embedding' | 'ownSeconds'> {
  intervals: Interval[];
  /** The voice that it is joined with; null: it becomes one of its own. */
  joined: { voiceId: string; evidence: JoinEvidence } | null;
}

/** What is kept of one conversation. */
export interface Keeping {
  origin: EmbeddingOrigin;
  voices: ToKeep[];
  /** How many are not kept, because they are blocked. */
  blocked: number;
}

/** Keeps the voices of conversations that got no name, where that is switched on. */
@Injectable()
export class VoiceKeeper {
  private readonly count: (result: string) => void;

  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    this.count = metrics.counter(
      'timbre_unknown_voices_total',
      'Voices of conversations that got no name while unknown voices are kept, by what came of them.',
      'result',
    );
  }

  /**
   * What is to be kept of a conversation, and what each voice of it is joined with: by the evidence for the unknown voices that
   * are there, never for enrolled people. `reasons`: why each voice has no name, null where it has one; left out: nobody asked.
   * Null where nothing is kept. Errors: those of the storage and of the steps.
   */
  async decide(
    { speakers, turns }: Pick<ConversationResult, 'speakers' | 'turns'>,
    reasons: readonly (NoNameReason | null)[] | undefined,
    asked: 'keep' | 'discard' | undefined,
    steps: Steps,
  ): Promise<Keeping | null> {
    if (!this.config.unknownVoices || asked === 'discard') return null;
    const unnamed = speakers.filter((_, i) => {
      const reason = reasons?.[i];
      return reason === undefined || (reason !== null && KEPT.includes(reason));
    });
    const heard = unnamed.filter(({ ownSeconds }) => ownSeconds >= LEAST_OWN_SPEECH);
    const origin = this.model.origin();
    if (heard.length === 0) return { origin, voices: [], blocked: 0 };
    const matches = await this.match(heard, origin, steps);
    const voices: ToKeep[] = [];
    let blocked = 0;
    for (const [i, { label, embedding, ownSeconds }] of heard.entries()) {
      await steps.next();
      const match = matches[i]!;
      if (match === 'blocked') blocked++;
      else voices.push({ label, embedding, ownSeconds, intervals: bestClips(turns, label), joined: match });
    }
    return { origin, voices, blocked };
  }

  /** Whether all that they are to be joined with can be, still. */
  async fits({ unknownVoices }: VoiceRecords, { voices }: Keeping): Promise<boolean> {
    for (const { joined } of voices) {
      if (joined && (await unknownVoices.find(joined.voiceId))?.state !== 'open') return false;
    }
    return true;
  }

  /** In the transaction that stores the conversation. Errors: those of the storage. */
  async keep(
    records: VoiceRecords,
    { id: conversationId, createdAt: heardAt }: Pick<Conversation, 'id' | 'createdAt'>,
    { origin, voices }: Keeping,
  ): Promise<void> {
    const now = new Date();
    for (const { label, embedding, ownSeconds, intervals, joined } of voices) {
      const voiceId = joined?.voiceId ?? randomUUID();
      const own = { id: randomUUID(), conversationId, label, heardAt, ownSeconds, intervals, origin, embedding };
      const share: EmbeddedShare = { ...own, voiceId };
      if (joined) await join(records, share, now);
      else await records.unknownVoices.insert(newVoice(share, now));
      await records.unknownVoices.addShare(share);
      const detail = { conversationId, label, shares: [share.id], ...(joined && { evidence: joined.evidence }) };
      await records.unknownVoices.append({ voiceId, action: joined ? 'joined' : 'kept', detail });
      const action = joined ? 'unknown-voice.joined' : 'unknown-voice.kept';
      await records.audit.record({ action, object: voiceId });
    }
  }

  /** In the metrics, once it is durable. */
  tell({ voices, blocked }: Keeping): void {
    for (const { joined } of voices) this.count(joined ? 'joined' : 'kept');
    for (let i = 0; i < blocked; i++) this.count('blocked');
  }

  /** What each voice is: another one, a blocked one, or none of those that are there. */
  private async match(
    voices: readonly Voice[],
    origin: EmbeddingOrigin,
    steps: Steps,
  ): Promise<(ToKeep['joined'] | 'blocked')[]> {
    const scorer = this.scorer();
    if (!scorer) return voices.map(() => null);
    const closest = new ClosestVoices(voices, scorer);
    const blocked = new Set<string>();
    let compared = 0;
    const pages = readPages<ComparedVoice>(steps, COMPARED_AT_ONCE, (after, limit) =>
      this.store.read(({ unknownVoices }) => unknownVoices.compared(origin, after && after.voice.id, limit)),
    );
    for await (const page of pages) {
      for (const { voice, shares } of page) {
        await steps.next();
        const centroid = meanVoice(shares.map(({ embedding }) => embedding));
        if (!centroid) continue;
        compared++;
        if (voice.state === 'blocked') blocked.add(voice.id);
        closest.see(asIndexed(voice, centroid), true);
      }
    }
    const people = closest.people;
    const sides = people.map((one) => ({ id: one.speakerId, embedding: one.centroid, ...sideOf(one) }));
    const { names, on, threshold, falseAcceptRate } = nameVoices(voices, sides, scorer, { compared });
    const unwanted = people.filter(({ speakerId }) => blocked.has(speakerId));
    return names.map(({ speakerId, nearest }, i) => {
      const { embedding, ownSeconds } = voices[i]!;
      const side = scorer.side(embedding, { seconds: ownSeconds });
      const isBlocked = unwanted.some((one) => {
        const { llr, cosine } = scorer.compare(side, scorer.side(one.centroid, sideOf(one)));
        return ((on === 'llr' ? llr : cosine) ?? NaN) >= threshold;
      });
      if (isBlocked) return 'blocked';
      if (speakerId === null || !nearest) return null;
      const { cosine, llr } = nearest;
      return { voiceId: speakerId, evidence: { cosine, llr, threshold, falseAcceptRate } };
    });
  }

  /** Null where the model has nothing to decide by: then no voices are joined. */
  private scorer(): Scorer | null {
    for (const rate of [this.config.unknownVoiceFalseAcceptRate, undefined]) {
      try {
        const scorer = this.engine.voiceScorer(rate);
        scorer.nameLimits(1);
        return scorer;
      } catch (error) {
        if (!(error instanceof TimbreError) || error.code !== 'INVALID_ARGUMENT') throw error;
      }
    }
    return null;
  }
}

function newVoice(share: EmbeddedShare, now: Date): UnknownVoice {
  return {
    id: share.voiceId,
    state: 'open',
    createdAt: now,
    updatedAt: now,
    version: 1,
    origin: share.origin,
    ...sumsOf([share]),
    speakerId: null,
    mergedInto: null,
    boundTo: boundTo(),
  };
}

async function join({ unknownVoices }: VoiceRecords, share: EmbeddedShare, now: Date): Promise<void> {
  const voice = (await unknownVoices.find(share.voiceId))!;
  const shares = await unknownVoices.shares(voice.id);
  await unknownVoices.update({ ...voice, ...sumsOf([...shares, share]), updatedAt: now });
}

/** As a person of the gallery. */
function asIndexed({ id, speechSeconds, shares }: UnknownVoice, centroid: Float32Array): IndexedVoice {
  const nobody = { consented: false, groups: [] };
  return { subject: id, speakerId: id, centroid, speechSeconds, recordings: shares, ...nobody };
}
