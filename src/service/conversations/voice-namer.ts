import { Injectable } from '@nestjs/common';
import type { Scorer } from '../../scoring/scorer.js';
import { nameVoices, type NoNameReason, type Voice } from '../../scoring/voice-names.js';
import type { Steps } from '../../support/steps.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { boundUids } from '../records/bound.js';
import { consentStatus } from '../records/consent.js';
import type { NamingRule, NearestPerson } from '../records/conversation.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import { sideOf, VoiceIndex, type IndexedVoice } from '../voices/voice-index.js';

/**
 * For each voice so many candidates with the highest evidence are kept, and as many of everybody: names are given of the
 * first, the lead is over the second of everybody, and a mixed voice shows in the first few.
 */
const CLOSEST = 32;

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
    const closest = new Closest(voices, scorer);
    let compared = 0;
    for (const person of this.index.voices({ groups: boundUids() })) {
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

/** Of everybody who is seen, the people with the highest evidence for each voice. */
class Closest {
  private readonly sides: ReturnType<Scorer['side']>[];
  private readonly on: 'llr' | 'cosine';
  /** For each voice: candidates, and all. */
  private readonly ranks: { candidates: Rank; all: Rank }[];
  private readonly isCandidate = new Set<string>();

  constructor(
    voices: readonly Voice[],
    private readonly scorer: Scorer,
  ) {
    this.sides = voices.map(({ embedding, ownSeconds }) => scorer.side(embedding, { seconds: ownSeconds }));
    this.ranks = voices.map(() => ({ candidates: new Rank(), all: new Rank() }));
    this.on = scorer.nameLimits(1).on;
  }

  see(person: IndexedVoice, isCandidate: boolean): void {
    const { scorer, on } = this;
    const side = scorer.side(person.centroid, sideOf(person));
    for (const [index, voice] of this.sides.entries()) {
      const { llr, cosine } = scorer.compare(voice, side);
      const evidence = on === 'llr' ? (llr ?? NaN) : cosine;
      this.ranks[index]!.all.see(person, evidence);
      if (isCandidate) this.ranks[index]!.candidates.see(person, evidence);
    }
    if (isCandidate) this.isCandidate.add(person.speakerId);
  }

  get people(): IndexedVoice[] {
    const found = this.ranks.flatMap(({ candidates, all }) => [...candidates.people, ...all.people]);
    return [...new Map(found.map((person) => [person.speakerId, person])).values()];
  }

  /** Ids of those of `people`. */
  get candidates(): string[] {
    return this.people.map(({ speakerId }) => speakerId).filter((id) => this.isCandidate.has(id));
  }
}

/** The first few, highest evidence first. */
class Rank {
  private readonly places: { person: IndexedVoice; evidence: number }[] = [];

  see(person: IndexedVoice, evidence: number): void {
    const { places } = this;
    if (places.length === CLOSEST && evidence <= places.at(-1)!.evidence) return;
    let at = places.length;
    while (at > 0 && places[at - 1]!.evidence < evidence) at--;
    places.splice(at, 0, { person, evidence });
    if (places.length > CLOSEST) places.pop();
  }

  get people(): IndexedVoice[] {
    return this.places.map(({ person }) => person);
  }
}
