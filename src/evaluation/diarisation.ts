import { assignHighest } from './assignment.js';
import type { SpeechSegment } from './rttm.js';

/** What is wrong with the turns of a recording, or of several; seconds of speech, overlap counted as often as people speak. */
export interface DiarisationErrors {
  recordings: number;
  /** Speech of the reference. */
  speech: number;
  missed: number;
  falseAlarm: number;
  /** Speech given to another speaker. */
  confusion: number;
  /** Sum over the speakers of the reference of 1 - intersection / union with the one they are paired with. */
  jaccard: number;
  speakers: number;
  /** Speakers found less those that there are, without sign, summed over recordings. */
  countError: number;
  /** Recordings whose number of speakers is right. */
  countRight: number;
}

export const NO_ERRORS: DiarisationErrors = {
  recordings: 0,
  speech: 0,
  missed: 0,
  falseAlarm: 0,
  confusion: 0,
  jaccard: 0,
  speakers: 0,
  countError: 0,
  countRight: 0,
};

/**
 * Errors of one recording, exact: sums over the intervals between all boundaries. `collar`: seconds on either side of
 * every boundary of the reference that are not scored (NIST's; pyannote.metrics calls twice as much by this name).
 * Speakers are paired so that they have most time in common; for the Jaccard error, which knows no collar, so that it is
 * lowest (DIHARD).
 */
export function diarisationErrors(
  reference: readonly SpeechSegment[],
  found: readonly SpeechSegment[],
  collar = 0,
): DiarisationErrors {
  const truth = bySpeaker(reference);
  const guess = bySpeaker(found);
  const barred =
    collar > 0 ? joined(reference.flatMap(({ start, end }) => [around(start, collar), around(end, collar)])) : [];
  const edges = [...new Set([...truth, ...guess, barred].flat(2))].sort((a, b) => a - b);

  const common = truth.map(() => new Array<number>(guess.length).fill(0));
  const spans: { seconds: number; truth: number[]; guess: number[] }[] = [];
  const cursors = [new Cursors(truth), new Cursors(guess), new Cursors([barred])] as const;
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = [edges[i]!, edges[i + 1]!];
    const [speaking, heard, unscored] = cursors.map((cursor) => cursor.covering(from)) as [
      number[],
      number[],
      number[],
    ];
    if (unscored.length > 0 || speaking.length + heard.length === 0) continue;
    for (const t of speaking) for (const g of heard) common[t]![g]! += to - from;
    spans.push({ seconds: to - from, truth: speaking, guess: heard });
  }
  const pair = assignHighest(common, guess.length);

  const errors = { ...NO_ERRORS, recordings: 1, speakers: truth.length };
  for (const { seconds, truth: speaking, guess: heard } of spans) {
    const right = speaking.filter((t) => heard.includes(pair[t]!)).length;
    errors.speech += seconds * speaking.length;
    errors.missed += seconds * Math.max(speaking.length - heard.length, 0);
    errors.falseAlarm += seconds * Math.max(heard.length - speaking.length, 0);
    errors.confusion += seconds * (Math.min(speaking.length, heard.length) - right);
  }
  errors.jaccard = jaccardError(truth, guess);
  errors.countError = Math.abs(truth.length - guess.length);
  errors.countRight = truth.length === guess.length ? 1 : 0;
  return errors;
}

/** Errors of several recordings: times are summed, not percentages averaged. */
export function sumErrors(all: readonly DiarisationErrors[]): DiarisationErrors {
  const sum = { ...NO_ERRORS };
  for (const one of all) for (const key of Object.keys(sum) as (keyof DiarisationErrors)[]) sum[key] += one[key];
  return sum;
}

/** Missed, false alarm and confusion as a share of the speech; NaN without any. */
export function errorRate({ speech, missed, falseAlarm, confusion }: DiarisationErrors): number {
  return (missed + falseAlarm + confusion) / speech;
}

/** The mean over the speakers of the reference; NaN without any. */
export function jaccardErrorRate({ jaccard, speakers }: DiarisationErrors): number {
  return jaccard / speakers;
}

type Interval = [from: number, to: number];

function around(time: number, collar: number): SpeechSegment {
  return { start: Math.max(time - collar, 0), end: time + collar, speaker: '' };
}

/** Intervals of each speaker, joined and by time; empty segments are nothing. */
function bySpeaker(segments: readonly SpeechSegment[]): Interval[][] {
  const names = new Map<string, SpeechSegment[]>();
  for (const segment of segments) {
    if (segment.end > segment.start) names.set(segment.speaker, [...(names.get(segment.speaker) ?? []), segment]);
  }
  return [...names.values()].map(joined);
}

function joined(segments: readonly { start: number; end: number }[]): Interval[] {
  const intervals: Interval[] = [];
  for (const { start, end } of [...segments].sort((a, b) => a.start - b.start)) {
    const last = intervals.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else intervals.push([start, end]);
  }
  return intervals;
}

/** Which of several lists of intervals cover a time; times are asked for in order. */
class Cursors {
  readonly #lists: readonly Interval[][];
  readonly #next: number[];

  constructor(lists: readonly Interval[][]) {
    this.#lists = lists;
    this.#next = lists.map(() => 0);
  }

  covering(time: number): number[] {
    const found: number[] = [];
    for (const [index, list] of this.#lists.entries()) {
      while (this.#next[index]! < list.length && list[this.#next[index]!]![1] <= time) this.#next[index]!++;
      const interval = list[this.#next[index]!];
      if (interval && interval[0] <= time) found.push(index);
    }
    return found;
  }
}

function jaccardError(truth: readonly Interval[][], guess: readonly Interval[][]): number {
  const overlap = truth.map((own) =>
    guess.map((other) => {
      const both = intersection(own, other);
      return both / (length(own) + length(other) - both);
    }),
  );
  const pair = assignHighest(overlap, guess.length);
  return pair.reduce((sum, column, row) => sum + 1 - (column < 0 ? 0 : overlap[row]![column]!), 0);
}

function length(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [from, to]) => sum + to - from, 0);
}

function intersection(a: readonly Interval[], b: readonly Interval[]): number {
  let [i, j, sum] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [first, second] = [a[i]!, b[j]!];
    sum += Math.max(Math.min(first[1], second[1]) - Math.max(first[0], second[0]), 0);
    if (first[1] < second[1]) i++;
    else j++;
  }
  return sum;
}
