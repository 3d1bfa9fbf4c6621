import { TimbreError } from '../errors/timbre-error.js';

/** Speech of one speaker of a recording. */
export interface SpeechSegment {
  /** Seconds. */
  start: number;
  end: number;
  speaker: string;
}

/**
 * The SPEAKER lines of a NIST RTTM, by recording; other lines are passed over.
 * Errors: INVALID_ARGUMENT, naming the line, for one that has no name, start, duration or speaker.
 */
export function readRttm(text: string, name: string): Map<string, SpeechSegment[]> {
  const recordings = new Map<string, SpeechSegment[]>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fields = line.trim().split(/\s+/);
    if (fields[0] !== 'SPEAKER') continue;
    const [, recording, , from, length, , , speaker] = fields;
    const [start, duration] = [Number(from), Number(length)];
    if (recording === undefined || speaker === undefined || !(start >= 0) || !(duration >= 0)) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `${name}, line ${index + 1}, is no SPEAKER line of an RTTM: ` +
          '`SPEAKER <recording> <channel> <start> <duration> <NA> <NA> <speaker> <NA> <NA>` belongs there',
      );
    }
    const list = recordings.get(recording) ?? [];
    recordings.set(recording, list);
    list.push({ start, end: start + duration, speaker });
  }
  return recordings;
}

/** A recording's turns as SPEAKER lines; names may hold no white space there, and get `_` in its place. */
export function writeRttm(recording: string, segments: readonly SpeechSegment[]): string {
  const word = (name: string): string => name.replace(/\s+/g, '_');
  return segments
    .map(
      ({ start, end, speaker }) =>
        `SPEAKER ${word(recording)} 1 ${start.toFixed(3)} ${(end - start).toFixed(3)} <NA> <NA> ${word(speaker)} <NA> <NA>\n`,
    )
    .join('');
}
