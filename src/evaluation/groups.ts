import { TimbreError } from '../errors/timbre-error.js';
import type { TrialList } from './trials.js';

/** A text in which `*` stands for anything. */
export function matcher(pattern: string): (text: string) => boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${escaped.join('.*')}$`, 's');
  return (text) => expression.test(text);
}

/** A column of a table of recordings, as `FILE:COLUMN` names it. */
export function parseColumn(text: string): { file: string; column: string } {
  const at = text.lastIndexOf(':');
  if (at <= 0 || at === text.length - 1) {
    throw new TimbreError('INVALID_ARGUMENT', `"${text}" is not of the form FILE:COLUMN, such as files.tsv:source`);
  }
  return { file: text.slice(0, at), column: text.slice(at + 1) };
}

export interface Group {
  name: string;
  /** Positions among the trials that were given. */
  members: Uint32Array;
}

/**
 * Trials by a fact about their recordings. A trial belongs to a group if both of its sides do; trials across groups are
 * in none. `merged` patterns make further groups of all values that match.
 */
export function groupTrials(
  list: TrialList,
  trials: Uint32Array,
  valueOf: (recording: string) => string | undefined,
  merged: readonly string[] = [],
): Group[] {
  const valuesA = list.enrolments.map((recordings) => valueOf(recordings[0]!));
  const valuesB = list.tests.map(valueOf);
  const members = new Map<string, number[]>();
  const add = (name: string, at: number): void => {
    const known = members.get(name);
    if (known) known.push(at);
    else members.set(name, [at]);
  };
  const matchers = merged.map((pattern) => ({ pattern, matches: matcher(pattern) }));
  for (const [at, i] of trials.entries()) {
    const a = valuesA[list.enrolment[i]!];
    const b = valuesB[list.test[i]!];
    if (a === undefined || b === undefined) continue;
    if (a === b) add(a, at);
    for (const { pattern, matches } of matchers) if (matches(a) && matches(b)) add(pattern, at);
  }
  return [...members]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, positions]) => ({ name, members: Uint32Array.from(positions) }));
}

export interface Selection {
  /** Both sides have to match one of them; empty: any value will do. */
  patterns: readonly string[];
  /** Both sides have to have the same value. */
  within: boolean;
}

/** The list with only the trials that are selected. Errors: INVALID_ARGUMENT where none is. */
export function selectTrials(
  list: TrialList,
  valueOf: (recording: string) => string | undefined,
  { patterns, within }: Selection,
): TrialList {
  const matchers = (patterns.length > 0 ? patterns : ['*']).map(matcher);
  const matching = (recording: string): string | undefined => {
    const value = valueOf(recording);
    return value !== undefined && matchers.some((match) => match(value)) ? value : undefined;
  };
  const enrolments = list.enrolments.map((recordings) => matching(recordings[0]!));
  const tests = list.tests.map(matching);
  const chosen = Uint32Array.from(list.labels.keys()).filter((i) => {
    const a = enrolments[list.enrolment[i]!];
    const b = tests[list.test[i]!];
    return a !== undefined && b !== undefined && (!within || a === b);
  });
  if (chosen.length === 0) {
    const where = patterns.length > 0 ? ` in ${patterns.join(', ')}` : ' with a value';
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `no trial has both sides${where}${within ? ' and the same value on both' : ''}`,
    );
  }
  // Sides are renumbered, so that recordings of no chosen trial are not embedded.
  const [keptEnrolments, enrolment] = renumber(chosen, list.enrolment);
  const [keptTests, test] = renumber(chosen, list.test);
  return {
    labels: Uint8Array.from(chosen, (i) => list.labels[i]!),
    enrolment,
    test,
    enrolments: keptEnrolments.map((i) => list.enrolments[i]!),
    enrolmentNames: keptEnrolments.map((i) => list.enrolmentNames[i]!),
    tests: keptTests.map((i) => list.tests[i]!),
  };
}

function renumber(chosen: Uint32Array, sides: Uint32Array): [kept: number[], numbers: Uint32Array] {
  const numbers = new Map<number, number>();
  const renumbered = Uint32Array.from(chosen, (i) => {
    const side = sides[i]!;
    const known = numbers.get(side) ?? numbers.size;
    numbers.set(side, known);
    return known;
  });
  return [[...numbers.keys()], renumbered];
}
