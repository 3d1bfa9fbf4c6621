import type { Scorer } from '../../scoring/scorer.js';
import type { Voice } from '../../scoring/voice-names.js';
import { sideOf, type IndexedVoice } from './voice-index.js';

/**
 * For each voice so many candidates with the highest evidence are kept, and as many of everybody: names are given of the
 * first, the lead is over the second of everybody, and a mixed voice shows in the first few.
 */
const CLOSEST = 32;

/** Of everybody who is seen, the people with the highest evidence for each voice. */
export class ClosestVoices {
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
