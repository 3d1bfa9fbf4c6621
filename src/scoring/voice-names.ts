import { TimbreError } from '../errors/timbre-error.js';
import { toUnit } from '../evaluation/normalise.js';
import { directionOf, sumOf } from './centroid.js';
import type { NameLimits, Score, Scorer } from './scorer.js';

/**
 * Why a voice has no name.
 *
 * - `NOT_ENROLLED`: there are no candidates.
 * - `NOT_ENOUGH_SPEECH`: too little speech of its own, `missingSeconds`.
 * - `REJECT`: the evidence for the nearest candidate is too little, or somebody who is no candidate is clearly nearer.
 * - `AMBIGUOUS`: somebody else in the gallery, who may be the same person, is too close.
 * - `MIXED_VOICES`: it fits two people who are certainly not one: speech of both was taken for one voice.
 * - `NAMED_ALREADY`: the person is another label's, `sameAs`, whom the evidence is higher for; perhaps one voice was split.
 */
export type NoNameReason =
  'REJECT' | 'AMBIGUOUS' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | 'MIXED_VOICES' | 'NAMED_ALREADY';

/** A voice's speech without others, seconds, from which on it may be named. */
export const LEAST_OWN_SPEECH = 2;

/** A voice of a conversation, with what speaks for each person of a gallery. */
export interface VoiceEvidence {
  label: string;
  /** Seconds in which nobody else speaks. */
  ownSeconds: number;
  /** For every person, in the gallery's order; log-likelihood ratios as a rule. */
  evidence: ArrayLike<number>;
}

/** By what names are given. */
export interface NameRule {
  /** Whom names are given of, in the gallery's order; the others only raise doubts. */
  candidates: ArrayLike<boolean>;
  /** Evidence that a candidate has to reach. */
  threshold: number;
  /** By how much it has to exceed the evidence for everybody else. */
  margin: number;
  /** Seconds of a voice's own speech. */
  leastSeconds: number;
  /** Evidence that two of the gallery are one person. */
  between: (one: number, other: number) => number;
  /** Below it two of the gallery are certainly not one person. */
  different: number;
}

/** What came of one voice; people are places in the gallery. */
export interface NameOutcome {
  person: number | null;
  reason: NoNameReason | null;
  /** The nearest candidate; null where there is none. */
  nearest: number | null;
  /** Its evidence less the highest for anybody else; null where there is nobody else. */
  margin: number | null;
  /** 0 unless the reason is `NOT_ENOUGH_SPEECH`. */
  missingSeconds: number;
  /** The label that has the name; null unless the reason is `NAMED_ALREADY`. */
  sameAs: string | null;
}

/**
 * Gives voices the names of people, one to one.
 *
 * A voice may have the name of the candidate whose evidence reaches the threshold and leads everybody else in the gallery
 * by the margin: of one person at most. Who is wanted by several voices goes to the one with the highest evidence. No
 * assignment of such pairs has a higher sum, as each voice has one choice at most; an assignment made before the margin is
 * asked (the Hungarian method on all evidence) would push voices to their second best, who then fail it.
 */
export function assignNames(voices: readonly VoiceEvidence[], rule: NameRule): NameOutcome[] {
  const outcomes = voices.map((voice) => outcomeAlone(voice, rule));
  const owner = new Map<number, number>();
  for (const [index, { person }] of outcomes.entries()) {
    if (person === null) continue;
    const other = owner.get(person);
    if (other === undefined || voices[index]!.evidence[person]! > voices[other]!.evidence[person]!) {
      owner.set(person, index);
    }
  }
  return outcomes.map((outcome, index) => {
    const has = outcome.person === null ? index : owner.get(outcome.person)!;
    if (has === index) return outcome;
    return { ...outcome, person: null, reason: 'NAMED_ALREADY', sameAs: voices[has]!.label };
  });
}

function outcomeAlone({ ownSeconds, evidence }: VoiceEvidence, rule: NameRule): NameOutcome {
  const { candidates, threshold, margin: least, leastSeconds } = rule;
  const nearest = highest(evidence, (person) => candidates[person]!);
  const outcome = { person: null, nearest, margin: null, missingSeconds: 0, sameAs: null };
  if (nearest === null) return { ...outcome, reason: 'NOT_ENROLLED' };
  const second = highest(evidence, (person) => person !== nearest);
  const margin = second === null ? null : evidence[nearest]! - evidence[second]!;
  // Somebody's own voice fits others about as well as that person's profile does; a mixture fits both alike.
  const mixed = (one: number, other: number): boolean => {
    const known = rule.between(one, other);
    return known < rule.different && Math.abs(evidence[one]! - evidence[other]!) < evidence[other]! - known;
  };
  const refused = (reason: NoNameReason): NameOutcome => ({ ...outcome, margin, reason });
  if (!(ownSeconds >= leastSeconds)) {
    return { ...refused('NOT_ENOUGH_SPEECH'), missingSeconds: leastSeconds - ownSeconds };
  }
  if (!(evidence[nearest]! >= threshold)) return refused('REJECT');
  for (let person = 0; person < evidence.length; person++) {
    if (person !== nearest && evidence[person]! >= threshold && mixed(nearest, person)) return refused('MIXED_VOICES');
  }
  if (margin !== null && margin <= -least) return refused('REJECT');
  if (margin !== null && margin < least) return refused('AMBIGUOUS');
  return { ...outcome, person: nearest, reason: null, margin };
}

function highest(evidence: ArrayLike<number>, allowed: (person: number) => boolean): number | null {
  let best: number | null = null;
  for (let person = 0; person < evidence.length; person++) {
    if (allowed(person) && (best === null || evidence[person]! > evidence[best]!)) best = person;
  }
  return best;
}

/** A voice that is to be named; `speakers` of `encoder.conversation()` are of this form. */
export interface Voice {
  label: string;
  embedding: Float32Array;
  /** Seconds in which nobody else speaks. */
  ownSeconds: number;
}

/** Somebody whose voice is known. */
export interface EnrolledVoice {
  id: string;
  /** Of the same model, of one recording or of several (`profileOf`). */
  embedding: Float32Array;
  /** Seconds of speech behind it, where the calibration looks at durations. */
  seconds?: number;
  /** Recordings that it is the mean of. Default 1. */
  recordings?: number;
}

export interface NameOptions {
  /** Whom names are given of, by id; everybody else in the gallery only raises doubts. Default: everybody. */
  candidates?: Iterable<string>;
  /** How many candidates were compared, where `people` are the nearest of more. Default: as many as there are. */
  compared?: number;
  /** Seconds of a voice's own speech without which it has no name. Default 2. */
  leastSeconds?: number;
}

/** The name of a voice, or why it has none. */
export interface VoiceName {
  label: string;
  speakerId: string | null;
  /** Null where there is a name. */
  reason: NoNameReason | null;
  /** The nearest candidate; null where there is none. */
  nearest: { speakerId: string; cosine: number; llr: number | null; probability: number | null } | null;
  /**
   * The evidence for the nearest candidate less that for the next person in the gallery: a log-likelihood ratio, or a
   * cosine where a cosine decides; null where there is nobody else.
   */
  margin: number | null;
  /** Of its own speech; 0 unless the reason is `NOT_ENOUGH_SPEECH`. */
  missingSeconds: number;
  /** The label that has the name; null unless the reason is `NAMED_ALREADY`. */
  sameAs: string | null;
}

/** Names of a conversation's voices, and what they were decided by. */
export interface VoiceNames extends NameLimits {
  /** In the voices' order. */
  names: VoiceName[];
  /** Candidates who were compared. */
  gallerySize: number;
}

/**
 * Names the voices of a conversation, one person at most a voice and one voice at most a person.
 *
 *     const { speakers } = await encoder.conversation('meeting.opus');
 *     const ada = await encoder.embed('ada.wav');
 *     const scorer = Scorer.of(manifest, { calibration: voiceCalibrationFor(encoder.info()), falseAcceptRate: 0.1 });
 *     const { names } = nameVoices(speakers, [{ id: 'ada', embedding: ada.embedding }], scorer);
 *
 * The rate is per voice: the share of strangers' voices that get somebody's name, whatever the number of candidates.
 * Errors: INVALID_ARGUMENT where the scorer has neither a calibration that knows how high strangers score nor a threshold,
 * for two people of one id, a candidate who is nobody; MODEL_MISMATCH for embeddings of other dimensions.
 */
export function nameVoices(
  voices: readonly Voice[],
  people: readonly EnrolledVoice[],
  scorer: Scorer,
  options: NameOptions = {},
): VoiceNames {
  const { leastSeconds = LEAST_OWN_SPEECH } = options;
  const candidates = candidatesOf(people, options.candidates);
  const count = candidates.filter((is) => is).length;
  const compared = options.compared ?? count;
  if (compared < count) {
    throw new TimbreError('INVALID_ARGUMENT', `${count} candidates are given and ${compared} were compared`);
  }
  const limits = scorer.nameLimits(Math.max(compared, 1));
  const sides = people.map(({ embedding, ...facts }) => scorer.side(embedding, facts));
  const scores = voices.map(({ embedding, ownSeconds }) => {
    const voice = scorer.side(embedding, { seconds: ownSeconds });
    return sides.map((side) => scorer.compare(voice, side));
  });
  const evidenceOf = (score: Score): number => (limits.on === 'llr' ? (score.llr ?? NaN) : score.cosine);
  const outcomes = assignNames(
    voices.map(({ label, ownSeconds }, index) => ({ label, ownSeconds, evidence: scores[index]!.map(evidenceOf) })),
    {
      candidates,
      threshold: limits.threshold,
      margin: limits.margin,
      leastSeconds,
      different: limits.different,
      between: (one, other) => evidenceOf(scorer.compare(sides[one]!, sides[other]!)),
    },
  );
  const names = outcomes.map(({ person, nearest, ...outcome }, index) => {
    const score = nearest === null ? undefined : scores[index]![nearest]!;
    return {
      label: voices[index]!.label,
      speakerId: person === null ? null : people[person]!.id,
      ...outcome,
      nearest: score
        ? { speakerId: people[nearest!]!.id, cosine: score.cosine, llr: score.llr, probability: score.probability }
        : null,
    };
  });
  return { names, gallerySize: compared, ...limits };
}

/** Errors: INVALID_ARGUMENT. */
function candidatesOf(people: readonly EnrolledVoice[], wanted: Iterable<string> | undefined): boolean[] {
  const ids = new Set(people.map(({ id }) => id));
  if (ids.size < people.length) {
    const twice = people.find(({ id }, index) => people.findIndex((other) => other.id === id) < index);
    throw new TimbreError('INVALID_ARGUMENT', `two people are called ${twice!.id}: a name is one person's`);
  }
  if (wanted === undefined) return people.map(() => true);
  const chosen = new Set(wanted);
  for (const id of chosen) {
    if (!ids.has(id)) throw new TimbreError('INVALID_ARGUMENT', `the candidate ${id} is not in the gallery`);
  }
  return people.map(({ id }) => chosen.has(id));
}

/**
 * One embedding of several recordings of a person: the mean of their unit embeddings, at unit length, as the service makes
 * profiles, so that both give the same evidence. Errors: INVALID_ARGUMENT without recordings and where they cancel each
 * other out, MODEL_MISMATCH for embeddings of several dimensions.
 */
export function profileOf(recordings: readonly { embedding: Float32Array }[]): Float32Array {
  const dim = recordings[0]?.embedding.length;
  if (dim === undefined) throw new TimbreError('INVALID_ARGUMENT', 'a profile is of one recording at least');
  const other = recordings.find(({ embedding }) => embedding.length !== dim);
  if (other) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `embeddings of ${dim} and ${other.embedding.length} dimensions are of different models`,
    );
  }
  const direction = directionOf(sumOf(recordings.map(({ embedding }) => toUnit(Float32Array.from(embedding)))));
  if (direction) return direction;
  throw new TimbreError('INVALID_ARGUMENT', 'the recordings of the profile cancel each other out');
}
