import { TimbreError } from '../errors/timbre-error.js';
import { seededUniform } from './bootstrap.js';
import type { TrialList } from './trials.js';

const SEED = 1;

/**
 * The trials of a list, and each again with a profile of so many recordings in place of its enrolment: that recording and
 * others of its speaker, drawn of those that the list names, never the recording that is tested. A trial whose speaker has
 * too few is not made again. Errors: INVALID_ARGUMENT for a list whose enrolments have several recordings already, and for
 * counts below 2.
 */
export function withProfiles(
  list: TrialList,
  speakerOf: (recording: string) => string,
  counts: readonly number[],
): TrialList {
  if (counts.some((count) => !(Number.isInteger(count) && count >= 2))) {
    throw new TimbreError('INVALID_ARGUMENT', `profiles are of two recordings or more, not of ${counts.join(', ')}`);
  }
  if (list.enrolments.some((recordings) => recordings.length > 1)) {
    throw new TimbreError('INVALID_ARGUMENT', 'the enrolments of the list have several recordings already');
  }
  const ofSpeaker = recordingsBySpeaker(list, speakerOf);
  const [labels, enrolment, test] = [[...list.labels], [...list.enrolment], [...list.test]];
  const [enrolments, enrolmentNames] = [[...list.enrolments], [...list.enrolmentNames]];
  const numbers = new Map<string, number>();
  for (const count of counts) {
    for (let i = 0; i < list.labels.length; i++) {
      const first = list.enrolments[list.enrolment[i]!]![0]!;
      const tested = list.tests[list.test[i]!]!;
      const others = ofSpeaker
        .get(speakerOf(first))!
        .filter((recording) => recording !== first && recording !== tested);
      if (others.length < count - 1) continue;
      const recordings = [first, ...others.slice(0, count - 1)];
      const name = recordings.join(' ');
      let number = numbers.get(name);
      if (number === undefined) {
        number = enrolments.push(recordings) - 1;
        enrolmentNames.push(name);
        numbers.set(name, number);
      }
      labels.push(list.labels[i]!);
      enrolment.push(number);
      test.push(list.test[i]!);
    }
  }
  return {
    labels: Uint8Array.from(labels),
    enrolment: Uint32Array.from(enrolment),
    test: Uint32Array.from(test),
    enrolments,
    enrolmentNames,
    tests: list.tests,
  };
}

/** Each speaker's recordings that the list names, in an order that is drawn and the same every time. */
function recordingsBySpeaker(list: TrialList, speakerOf: (recording: string) => string): Map<string, string[]> {
  const uniform = seededUniform(SEED);
  const all = [...new Set([...list.enrolments.flat(), ...list.tests])].sort();
  const places = new Map(all.map((recording) => [recording, uniform()]));
  const found = new Map<string, string[]>();
  for (const recording of all) {
    const speaker = speakerOf(recording);
    found.set(speaker, [...(found.get(speaker) ?? []), recording]);
  }
  for (const recordings of found.values()) recordings.sort((a, b) => places.get(a)! - places.get(b)!);
  return found;
}
