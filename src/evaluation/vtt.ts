import type { SpeechSegment } from './rttm.js';

/** Turns as WebVTT: a cue for each, with a voice tag. */
export function writeVtt(turns: readonly SpeechSegment[]): string {
  const cues = turns.map(({ start, end, speaker }) => {
    return `${clockTime(start)} --> ${clockTime(end)}\n<v ${speaker}>${speaker}</v>\n`;
  });
  return `WEBVTT\n\n${cues.join('\n')}`;
}

/** Seconds as 01:02:03.456. */
export function clockTime(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const part = (unit: number, of: number, width: number): string =>
    String(Math.floor(milliseconds / unit) % of).padStart(width, '0');
  return `${part(3_600_000, Infinity, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
