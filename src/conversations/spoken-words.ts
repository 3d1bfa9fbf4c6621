import { TimbreError } from '../errors/timbre-error.js';
import type { SpeechSegment } from '../evaluation/rttm.js';
import type { TranscriptSegment, TranscriptWord } from './transcript.js';

/** How far from a turn a word may lie, seconds, for it to be that speaker's though nobody is heard at its time. */
export const NEAREST_TURN_SECONDS = 0.5;
/** How far behind the recording's end words may begin, seconds: programs round. */
const BEYOND_SECONDS = 1;

/** A word with who says it; null where nobody is heard near it. */
export interface SpokenWord extends TranscriptWord {
  speaker: string | null;
}

/** What one speaker says of a segment, in one piece. */
export interface SpokenSegment extends SpokenWord {
  words?: SpokenWord[];
}

/**
 * Gives every word of a transcript the speaker who speaks most of it, or, where nobody is heard, whose turn is nearest, at
 * most `NEAREST_TURN_SECONDS` away. Of speakers who speak as much of it, the one of the word before. A segment with words is
 * split where the speaker changes; one without is one speaker's. By time.
 *
 * Takes time for every word and speaker, however many turns there are.
 *
 * @param seconds of the recording
 * Errors: INVALID_ARGUMENT for words that begin behind the recording's end: it is another recording's transcript.
 */
export function speakersOfWords(
  transcript: readonly TranscriptSegment[],
  turns: readonly SpeechSegment[],
  seconds: number,
): SpokenSegment[] {
  const late = latest(transcript);
  if (late !== undefined && late.start > seconds + BEYOND_SECONDS) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `the transcript has ${JSON.stringify(late.text.slice(0, 40))} at ${late.start.toFixed(1)} s, and the recording ends at ` +
        `${seconds.toFixed(1)} s: it is the transcript of another recording`,
    );
  }
  const heard = new Speakers(turns);
  // Whisper's words bring the spaces between them; where none has one, words stand apart.
  const spaced = transcript.some(({ words }) => words?.some(({ text }) => /^\s/.test(text)));
  let before: string | null = null;
  const spoken: SpokenSegment[] = [];
  for (const { words, ...segment } of [...transcript].sort(byTime)) {
    if (!words) {
      before = heard.during(segment, before);
      spoken.push({ ...segment, speaker: before });
      continue;
    }
    const runs: SpokenWord[][] = [];
    for (const word of [...words].sort(byTime)) {
      const speaker = heard.during(word, before);
      const run = runs.at(-1);
      if (run?.[0]!.speaker === speaker) run.push({ ...word, speaker });
      else runs.push([{ ...word, speaker }]);
      before = speaker;
    }
    const [only] = runs;
    if (runs.length === 1) spoken.push({ ...segment, speaker: only![0]!.speaker, words: only!.map(trimmed) });
    else for (const run of runs) spoken.push(joined(run, spaced));
  }
  return spoken.sort(byTime);
}

function trimmed(word: SpokenWord): SpokenWord {
  return { ...word, text: word.text.trim() };
}

function byTime(a: TranscriptWord, b: TranscriptWord): number {
  return a.start - b.start || a.end - b.end;
}

/** The part that begins last. */
function latest(transcript: readonly TranscriptSegment[]): TranscriptWord | undefined {
  let last: TranscriptWord | undefined;
  for (const segment of transcript) {
    for (const part of [segment, ...(segment.words ?? [])]) if (!last || part.start > last.start) last = part;
  }
  return last;
}

function joined(words: readonly SpokenWord[], spaced: boolean): SpokenSegment {
  let [end, text] = [0, ''];
  for (const word of words) {
    end = Math.max(end, word.end);
    text += spaced || NO_SPACES.test(text.slice(-1) + word.text.slice(0, 1)) ? word.text : ` ${word.text}`;
  }
  return { start: words[0]!.start, end, text: text.trim(), speaker: words[0]!.speaker, words: words.map(trimmed) };
}

/** Two characters of scripts that set no spaces between words. */
const NO_SPACES = /^[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}\p{scx=Mymr}]{2}$/u;

/** Times closer than that are the same, seconds. */
const ALIKE = 1e-6;

/** Each speaker's turns. */
class Speakers {
  private readonly lists = new Map<string, Turns>();

  constructor(turns: readonly SpeechSegment[]) {
    for (const turn of [...turns].sort((a, b) => a.start - b.start)) {
      let list = this.lists.get(turn.speaker);
      if (!list) this.lists.set(turn.speaker, (list = new Turns()));
      list.add(turn);
    }
  }

  /** Who speaks most of it; `before` where somebody else speaks as much. */
  during({ start, end }: TranscriptWord, before: string | null): string | null {
    let best: { speaker: string; time: number; away: number } | undefined;
    for (const [speaker, turns] of this.lists) {
      const time = turns.secondsUntil(end) - turns.secondsUntil(start);
      const away = time > ALIKE ? 0 : turns.awayFrom(start, end);
      const order = best ? compare(time, best.time) || compare(best.away, away) : 1;
      if (order > 0 || (order === 0 && speaker === before)) best = { speaker, time, away };
    }
    return best && best.away <= NEAREST_TURN_SECONDS ? best.speaker : null;
  }
}

function compare(a: number, b: number): number {
  return Math.abs(a - b) <= ALIKE ? 0 : a - b;
}

/** Turns of one speaker in order, joined where they lie over each other. */
class Turns {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  /** Seconds of all turns before each. */
  private readonly sums: number[] = [];

  /** Turns come by their starts. */
  add({ start, end }: SpeechSegment): void {
    const last = this.ends.length - 1;
    if (last >= 0 && this.ends[last]! >= start) {
      this.ends[last] = Math.max(this.ends[last]!, end);
      return;
    }
    this.sums.push(last < 0 ? 0 : this.sums[last]! + this.ends[last]! - this.starts[last]!);
    this.starts.push(start);
    this.ends.push(end);
  }

  /** Seconds of speech before a time. */
  secondsUntil(time: number): number {
    const last = this.startedBy(time);
    return last < 0 ? 0 : this.sums[last]! + Math.min(this.ends[last]!, time) - this.starts[last]!;
  }

  /** Seconds between an interval and the nearest turn; 0 where they meet. */
  awayFrom(start: number, end: number): number {
    const last = this.startedBy(end);
    const before = last < 0 ? Infinity : start - this.ends[last]!;
    const after = last + 1 < this.starts.length ? this.starts[last + 1]! - end : Infinity;
    return Math.max(Math.min(before, after), 0);
  }

  /** The last turn that begins at a time or before it; -1 where there is none. */
  private startedBy(time: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (this.starts[half]! <= time) low = half + 1;
      else high = half;
    }
    return low - 1;
  }
}
