import { Injectable } from '@nestjs/common';
import { nameVoices, type NoNameReason, type Voice } from '../../scoring/voice-names.js';
import type { Steps } from '../../support/steps.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { boundUids } from '../records/bound.js';
import { consentStatus } from '../records/consent.js';
import type { NamingRule, NearestPerson } from '../records/conversation.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import { ClosestVoices } from '../voices/closest-voices.js';
import { sideOf, VoiceIndex } from '../voices/voice-index.js';

/** Whom names are given of, and by what. */
export interface Naming {
  /** `Group.uid`: members alone. */
  group?: string | undefined;
  /** `Speaker.subject`: these alone. */
  candidates?: ReadonlySet<string> | undefined;
  falseAcceptRate?: number | undefined;
}

/** What came of one voice. */
export interface NamedVoice {
  reason: NoNameReason | null;
  missingSeconds: number;
  sameAs: string | null;
  /** Null where nobody is near, and where too little was heard to say so. */
  nearest: NearestPerson | null;
}

export interface NamedVoices {
  rule: NamingRule;
  /** In the voices' order. */
  voices: NamedVoice[];
  /** Those of `nearest`: subjects by id. */
  subjects: ReadonlyMap<string, string>;
}

/** Names voices of conversations by the profiles that are enrolled. */
@Injectable()
export class VoiceNamer {
  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly index: VoiceIndex,
    private readonly policy: ConsentPolicy,
  ) {}

  /**
   * Before anything is heard. Errors: INVALID_ARGUMENT where names cannot be given with this model, or not at this rate;
   * MODEL_NOT_READY, ENGINE_CLOSED.
   */
  admit(falseAcceptRate: number | undefined): void {
    this.engine.voiceScorer(falseAcceptRate).nameLimits(1);
  }

  /**
   * Everybody who may be found is compared, also who is no candidate: a name has to lead them all. Who is bound to groups has
   * their members as everybody. `without`: subjects who are left out.
   * Errors: as of `admit`; those of the storage and of the steps.
   */
  async decide(
    voices: readonly Voice[],
    { group, candidates, falseAcceptRate }: Naming,
    without: ReadonlySet<string>,
    steps: Steps,
  ): Promise<NamedVoices> {
    await this.index.ready();
    const scorer = this.engine.voiceScorer(falseAcceptRate);
    const closest = new ClosestVoices(voices, scorer);
    let compared = 0;
    for await (const person of this.index.voices({ groups: boundUids() })) {
      await steps.next();
      const { subject, groups } = person;
      if (without.has(subject) || (this.policy.required && !person.consented)) continue;
      const may = (group === undefined || groups.includes(group)) && (candidates?.has(subject) ?? true);
      if (may) compared++;
      closest.see(person, may);
    }
    const people = closest.people.map((person) => ({
      id: person.speakerId,
      embedding: person.centroid,
      ...sideOf(person),
    }));
    const { names, gallerySize, ...limits } = nameVoices(voices, people, scorer, {
      candidates: closest.candidates,
      compared,
    });
    return {
      rule: { ...limits, gallerySize, thresholdFrom: scorer.thresholdFrom },
      voices: names.map(({ label, speakerId, reason, missingSeconds, sameAs, nearest, margin }) => {
        // Too little speech says nothing of anybody.
        const tells = nearest && reason !== 'NOT_ENOUGH_SPEECH';
        const person = tells ? { ...nearest, label, named: speakerId !== null, margin } : null;
        return { reason, missingSeconds, sameAs, nearest: person };
      }),
      subjects: new Map(closest.people.map(({ speakerId, subject }) => [speakerId, subject])),
    };
  }

  /** Those of `found` who may not be told of any more: erased, opted out, without consent, or no member. Subjects. */
  async gone({ speakers }: VoiceRecords, { voices, subjects }: NamedVoices, { group }: Naming): Promise<string[]> {
    const ids = [...new Set(voices.flatMap(({ nearest }) => nearest?.speakerId ?? []))];
    const known = new Map((await speakers.findMany(ids)).map((speaker) => [speaker.id, speaker]));
    return ids.flatMap((id) => {
      const [subject, speaker] = [subjects.get(id)!, known.get(id)];
      const there = speaker?.subject === subject && this.mayBeNamed(speaker, group);
      return there ? [] : [subject];
    });
  }

  private mayBeNamed(speaker: Speaker, group: string | undefined): boolean {
    const status = consentStatus(speaker);
    if (status === 'WITHDRAWN' || (status === 'NOT_RECORDED' && this.policy.required)) return false;
    return group === undefined || speaker.groups.some(({ uid }) => uid === group);
  }
}
