import { toUnit } from '../../evaluation/normalise.js';
import { LEAST_COSINE_MARGIN } from '../../scoring/scorer.js';
import { LEAST_MARGIN } from '../../scoring/decision-policy.js';
import type { Score, SideFacts } from '../../scoring/scorer.js';
import { isLearned, type ExemplarKind } from './enrollment.js';
import { factsOf, type Profile } from './profile.js';
import type { Measures, Verdict } from './recording-quality.js';

export const LEARNING_SETTINGS = ['on', 'off'] as const;
export type LearningSetting = (typeof LEARNING_SETTINGS)[number];

/** By what a recording may become an exemplar: strong evidence alone, or somebody who confirms it. */
export type LearningWay = 'learned' | 'confirmed';

/** Why a recording that was verified did not become an exemplar. */
export const LEARNING_REFUSALS = [
  'NOT_ACCEPTED',
  'NOT_ENROLLED',
  'OPTED_OUT',
  'CONSENT_REQUIRED',
  'OFF',
  'FROZEN',
  'TOO_LITTLE_SPEECH',
  'LOW_QUALITY',
  'NO_EVIDENCE',
  'WEAK_EVIDENCE',
  'SECOND_PERSON',
  'KNOWN',
  'DISAGREES',
  'REDUNDANT',
  'STORAGE',
] as const;
export type LearningRefusal = (typeof LEARNING_REFUSALS)[number];

/** Where a setting is from. */
export const LEARNING_SOURCES = ['speaker', 'group', 'default'] as const;
export type LearningSource = (typeof LEARNING_SOURCES)[number];

/**
 * Whether a profile learns: what is said of the speaker, else of the groups, of which one that says `off` is enough, else
 * what the service does.
 */
export function learningOf(
  ofSpeaker: LearningSetting | null,
  ofGroups: readonly (LearningSetting | null)[],
  usual: boolean,
): { learns: boolean; from: LearningSource } {
  if (ofSpeaker) return { learns: ofSpeaker === 'on', from: 'speaker' };
  const said = ofGroups.filter((one) => one !== null);
  if (said.length > 0) return { learns: !said.includes('off'), from: 'group' };
  return { learns: usual, from: 'default' };
}

/** What a recording says about who spoke, at the rate at which profiles learn. */
export interface LearningEvidence {
  /** Against the profile. */
  profile: Score;
  /** Against the enrolled recordings alone: what was learned vouches for nothing. */
  enrolled: Score;
  /** Against the nearest other person; null where there is none. */
  second: Score | null;
}

/**
 * Whether a recording may become an exemplar, by itself. `learned` asks for good quality, evidence that reaches the threshold
 * of learning against the profile and against the enrolled recordings, and no second person within the margin;
 * `confirmed` for an accepted recording and no second person. Null: it may.
 */
export function refusalOf(way: LearningWay, verdict: Verdict, evidence: LearningEvidence): LearningRefusal | null {
  if (verdict.reasons.includes('TOO_LITTLE_SPEECH')) return 'TOO_LITTLE_SPEECH';
  if (!verdict.accepted) return 'LOW_QUALITY';
  const { profile, enrolled, second } = evidence;
  if (second && !leads(enrolled, second)) return 'SECOND_PERSON';
  if (way === 'confirmed') return null;
  if (verdict.quality !== 'GOOD') return 'LOW_QUALITY';
  if (profile.llr === null || profile.decision === null) return 'NO_EVIDENCE';
  return profile.decision === 'ACCEPT' && enrolled.decision === 'ACCEPT' ? null : 'WEAK_EVIDENCE';
}

function leads(first: Score, second: Score): boolean {
  if (first.llr !== null && second.llr !== null) return first.llr - second.llr >= LEAST_MARGIN;
  return first.cosine - second.cosine >= LEAST_COSINE_MARGIN;
}

/** How strict learning is: never more than a tenth of what a request may accept, whatever is set. */
export function learningRate(accepts: number, learns: number, least: number): number {
  return Math.max(least, Math.min(learns, accepts / 10));
}

/** What tells exemplars apart. */
export interface Exemplar {
  embedding: Float32Array;
  measures: Pick<Measures, 'snrDb' | 'bandwidthHz'>;
  createdAt: Date;
}

/** A recording that may become an exemplar of a profile, and all that decides whether it does. */
export interface Candidacy<Recording extends Exemplar & { id: string; kind: ExemplarKind }> {
  way: LearningWay;
  verdict: Verdict;
  added: Recording;
  /** Those that the speaker has. */
  recordings: readonly Recording[];
  /** The profile that recordings make. */
  build: (of: readonly Recording[]) => Pick<Profile, 'centroid' | 'members' | 'speechSeconds' | 'status'>;
  /** What `added` says against a voice, at the rate at which profiles learn. */
  score: (centroid: Float32Array, of: SideFacts) => Score;
  /** The nearest other person; null where there is none. */
  second: { centroid: Float32Array; facts: SideFacts } | null;
  /** Learned recordings that a profile has at most. */
  most: number;
}

/** On what a recording becomes an exemplar, and the ids of those whose place it takes; or why it does not. */
export function lessonOf<Recording extends Exemplar & { id: string; kind: ExemplarKind }>({
  way,
  verdict,
  added,
  recordings,
  build,
  score,
  second,
  most,
}: Candidacy<Recording>): LearningRefusal | { evidence: LearningEvidence; replaced: string[] } {
  const before = build(recordings);
  const enrolled = build(recordings.filter((one) => !isLearned(one)));
  if (enrolled.status !== 'Enrolled' || !enrolled.centroid || !before.centroid) return 'NOT_ENROLLED';
  const evidence: LearningEvidence = {
    profile: score(before.centroid, factsOf(before)),
    enrolled: score(enrolled.centroid, factsOf(enrolled)),
    second: second && score(second.centroid, second.facts),
  };
  const refusal = refusalOf(way, verdict, evidence);
  if (refusal) return refusal;
  const going = redundantOnes([...recordings.filter(isLearned), added], most);
  if (going.includes(added)) return 'REDUNDANT';
  const replaced = going.map(({ id }) => id);
  const after = build([...recordings.filter(({ id }) => !replaced.includes(id)), added]);
  // A recording that the others set aside would teach nothing.
  if (after.members.some(({ enrollmentId, outlier }) => enrollmentId === added.id && outlier)) return 'DISAGREES';
  return { evidence, replaced };
}

const DAY_MS = 86_400_000;

/** Exemplars so far apart are half as close as at the same time. */
const HALF_DAYS = 30;
/** The same for surroundings, and for bandwidths in octaves. */
const HALF_DB = 10;
const HALF_OCTAVES = 1;

/**
 * How much two exemplars say the same, in [0, 1]: the product of how alike they sound, how near they are in time, and how
 * alike the conditions were.
 *
 *   (1 + cosine) / 2 · 2^(-days / 30) · 2^(-|SNR difference| / 10 dB) · 2^(-|log2 of the bandwidths' ratio|)
 */
export function closeness(a: Exemplar, b: Exemplar): number {
  const [x, y] = [toUnit(Float32Array.from(a.embedding)), toUnit(Float32Array.from(b.embedding))];
  let cosine = 0;
  for (let i = 0; i < x.length; i++) cosine += x[i]! * y[i]!;
  const days = Math.abs(a.createdAt.getTime() - b.createdAt.getTime()) / DAY_MS;
  const [snrA, snrB] = [a.measures.snrDb, b.measures.snrDb];
  // Nothing but speech is as quiet as it gets: as the quieter of the two where one is known.
  const decibels = snrA === null || snrB === null ? 0 : Math.abs(snrA - snrB);
  const octaves = Math.abs(Math.log2(Math.max(1, a.measures.bandwidthHz) / Math.max(1, b.measures.bandwidthHz)));
  const halvings = days / HALF_DAYS + decibels / HALF_DB + octaves / HALF_OCTAVES;
  return (Math.max(0, 1 + cosine) / 2) * 2 ** -halvings;
}

/**
 * Which of these exemplars goes when there is one too many: of the two that are closest, the one that is closer to the
 * others, and of those alike the older one. Gives its index.
 */
export function redundantOf(exemplars: readonly Exemplar[]): number {
  const near = exemplars.map((one, i) => exemplars.map((other, j) => (i === j ? -1 : closeness(one, other))));
  // Each one's closest first; the lists are compared from the left.
  const sorted = near.map((row) => [...row].sort((a, b) => b - a));
  let worst = 0;
  for (let i = 1; i < exemplars.length; i++) {
    if (compare(sorted[i]!, sorted[worst]!) > 0) worst = i;
  }
  return worst;
}

/** Those that go, one after the other, until there are no more than `most`. */
export function redundantOnes<One extends Exemplar>(exemplars: readonly One[], most: number): One[] {
  const gone: One[] = [];
  for (let rest = exemplars; rest.length > most; rest = rest.filter((one) => !gone.includes(one))) {
    gone.push(rest[redundantOf(rest)]!);
  }
  return gone;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - b[i]!;
  return 0;
}
