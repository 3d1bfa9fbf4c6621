import { TimbreError } from '../errors/timbre-error.js';

/** A word, or whatever a transcript gives times of its own. Seconds. */
export interface TranscriptWord {
  start: number;
  end: number;
  /** As it stands in the transcript, with the space before it where there is one. */
  text: string;
}

/** A line of a transcript; `words` where the transcript has their times. */
export interface TranscriptSegment extends TranscriptWord {
  words?: TranscriptWord[];
}

/** Segments and words that a transcript may have, together. */
const MOST_PARTS = 1_000_000;
/** Longest time of day that is read: what lies beyond is no recording's. */
const MOST_SECONDS = 1e6;

/**
 * Reads a transcript with times, by what is in it: the JSON of Whisper (OpenAI's program and API, whisper.cpp, WhisperX,
 * faster-whisper), WebVTT, SRT, or a list of `{ start, end, text }`; seconds. Speakers that it names are not kept. Segments
 * and words come in the order in which they are, by time or not, over each other or not.
 *
 * @param name what the transcript is called in errors
 * Errors: INVALID_ARGUMENT, with the line, or the place in the JSON, for what is of no such form, for times that are no
 * times, and for more than a million segments and words.
 */
export function readTranscript(text: string | Uint8Array, name = 'the transcript'): TranscriptSegment[] {
  const content = (typeof text === 'string' ? text : decoded(text, name)).replace(/^\uFEFF/, '');
  if (content.trim() === '') throw new TimbreError('INVALID_ARGUMENT', `${name} is empty`);
  const count = new Count(name);
  if (/^\s*[[{]/.test(content)) return fromJson(content, name, count);
  if (/^WEBVTT(?=[ \t\r\n]|$)/.test(content)) return fromCues(content, name, count, 'WebVTT');
  if (/^\s*(\d+\s*\r?\n)?\s*\d+:\d\d:\d\d[,.]\d{1,3}\s*-->/.test(content)) return fromCues(content, name, count, 'SRT');
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `${name}, line 1, begins no transcript: JSON of Whisper, WebVTT, SRT, or a JSON list of { start, end, text } belongs there`,
  );
}

function decoded(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TimbreError('INVALID_ARGUMENT', `${name} is no text in UTF-8`, { cause });
  }
}

/** Bounds what is read. */
class Count {
  private parts = 0;

  constructor(readonly name: string) {}

  /** Errors: INVALID_ARGUMENT. */
  add(): void {
    if (++this.parts <= MOST_PARTS) return;
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `${this.name} has more than ${MOST_PARTS} segments and words: split it with its recording`,
    );
  }
}

// JSON

function fromJson(content: string, name: string, count: Count): TranscriptSegment[] {
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch (cause) {
    const message = (cause as Error).message;
    throw new TimbreError('INVALID_ARGUMENT', `${name}, line ${lineOf(content, message)}, is no JSON: ${message}`, {
      cause,
    });
  }
  const read = new JsonReader(name, count);
  if (Array.isArray(document)) return read.segments(document, '');
  const { segments, words, transcription } = document as Record<string, unknown>;
  if (Array.isArray(transcription)) return read.segmentsOfWhisperCpp(transcription);
  if (Array.isArray(segments)) {
    const list = read.segments(segments, 'segments');
    // The API gives words beside the segments, not in them.
    if (Array.isArray(words) && list.every((segment) => !segment.words)) {
      return words.length > 0 ? withWords(list, read.words(words, 'words')) : list;
    }
    return list;
  }
  if (Array.isArray(words)) return read.words(words, 'words');
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `${name} has neither segments, nor words, nor transcription: is it a transcript with times?`,
  );
}

/** Node says where in the text, counted in characters, or a line. */
function lineOf(content: string, message: string): number {
  const line = /line (\d+)/.exec(message)?.[1];
  if (line !== undefined) return Number(line);
  const position = /position (\d+)/.exec(message)?.[1];
  // "Unexpected end of JSON input" names none.
  return content.slice(0, position === undefined ? content.length : Number(position)).split('\n').length;
}

class JsonReader {
  constructor(
    private readonly name: string,
    private readonly count: Count,
  ) {}

  segments(list: readonly unknown[], where: string): TranscriptSegment[] {
    return list.map((value, index) => {
      const at = `${where}[${index}]`;
      const segment = trimmed(this.part(value, at, 'text'));
      const { words } = value as { words?: unknown };
      if (words === undefined || words === null) return segment;
      if (!Array.isArray(words)) throw this.wrong(`${at}.words`, 'is no list');
      return words.length > 0 ? { ...segment, words: this.words(words, `${at}.words`, segment.start) } : segment;
    });
  }

  /** Words that have no times (WhisperX leaves them out for numbers) get the end of the word before. */
  words(list: readonly unknown[], where: string, begin = 0): TranscriptWord[] {
    let last = begin;
    return list.map((value, index) => {
      const at = `${where}[${index}]`;
      const { word, text, start, end } = this.object(value, at);
      const written = word === undefined ? 'text' : 'word';
      if (start === undefined && end === undefined && typeof (word ?? text) === 'string') {
        this.count.add();
        return { start: last, end: last, text: (word ?? text) as string };
      }
      const part = this.part(value, at, written);
      last = part.end;
      return part;
    });
  }

  /** `{ offsets: { from, to }, text }`, milliseconds. */
  segmentsOfWhisperCpp(list: readonly unknown[]): TranscriptSegment[] {
    return list.map((value, index) => {
      const at = `transcription[${index}]`;
      const { offsets, text } = this.object(value, at);
      const { from, to } = this.object(offsets, `${at}.offsets`);
      return trimmed(this.timed(seconds(from), seconds(to), text, at));
    });
  }

  private part(value: unknown, at: string, written: 'text' | 'word'): TranscriptWord {
    const { start, end, [written]: text } = this.object(value, at);
    return this.timed(start, end, text, at);
  }

  private timed(start: unknown, end: unknown, text: unknown, at: string): TranscriptWord {
    this.count.add();
    if (!isTime(start)) throw this.wrong(`${at}: start`, 'is no number of seconds from 0');
    if (!isTime(end)) throw this.wrong(`${at}: end`, 'is no number of seconds from 0');
    if (end < start) throw this.wrong(at, `ends at ${end} s, before it begins at ${start} s`);
    if (typeof text !== 'string') throw this.wrong(`${at}: its text`, 'is no text');
    return { start, end, text };
  }

  private object(value: unknown, at: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.wrong(at, 'is no object');
  }

  private wrong(at: string, what: string): TimbreError {
    return new TimbreError('INVALID_ARGUMENT', `${this.name}, ${at} ${what}`);
  }
}

function trimmed(segment: TranscriptWord): TranscriptWord {
  return { ...segment, text: segment.text.trim() };
}

function seconds(milliseconds: unknown): unknown {
  return typeof milliseconds === 'number' ? milliseconds / 1000 : milliseconds;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_SECONDS;
}

/** Words of a list of their own, each in the segment that its middle lies in, or in the last that begins before it. */
function withWords(segments: readonly TranscriptSegment[], words: readonly TranscriptWord[]): TranscriptSegment[] {
  const list = [...segments]
    .sort((a, b) => a.start - b.start)
    .map((segment) => ({ ...segment, words: [] as TranscriptWord[] }));
  if (list.length === 0) return [...words];
  for (const word of words) {
    const middle = (word.start + word.end) / 2;
    let [low, high] = [0, list.length];
    while (high - low > 1) {
      const half = (low + high) >> 1;
      if (list[half]!.start <= middle) low = half;
      else high = half;
    }
    list[low]!.words.push(word);
  }
  return list.map(({ words: own, ...segment }) => (own.length > 0 ? { ...segment, words: own } : segment));
}

// WebVTT and SRT

const TIME = String.raw`(?:(\d+):)?(\d\d):(\d\d)[.,](\d{1,3})`;
const TIMING = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}(?:\s.*)?$`);

/** Blocks between empty lines; in each a line of times, and below it text. */
function fromCues(content: string, name: string, count: Count, format: 'WebVTT' | 'SRT'): TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  const lines = content.split(/\r\n|\r|\n/);
  const wrong = (line: number, what: string): TimbreError =>
    new TimbreError('INVALID_ARGUMENT', `${name}, line ${line + 1}, ${what}`);
  let at = 0;
  if (format === 'WebVTT') while (at < lines.length && lines[at]!.trim() !== '') at++;
  while (at < lines.length) {
    if (lines[at]!.trim() === '') {
      at++;
      continue;
    }
    const first = at;
    while (at < lines.length && lines[at]!.trim() !== '') at++;
    if (format === 'WebVTT' && /^(NOTE|STYLE|REGION)(\s|$)/.test(lines[first]!)) continue;
    // A cue may have a name, or a number, above its times.
    const timing = lines[first]!.includes('-->') ? first : first + 1;
    if (timing >= at || !lines[timing]!.includes('-->')) {
      throw wrong(first, `is no cue of ${format}: a line of times, \`00:00:01.000 --> 00:00:02.000\`, belongs there`);
    }
    const match = TIMING.exec(lines[timing]!);
    if (!match) throw wrong(timing, `has no times of ${format}: \`00:00:01.000 --> 00:00:02.000\` belongs there`);
    const [start, end] = [timeOf(match.slice(1, 5)), timeOf(match.slice(5, 9))];
    if (!isTime(start) || !isTime(end)) throw wrong(timing, 'has times that no recording has');
    if (end < start) throw wrong(timing, 'ends before it begins');
    count.add();
    const text = lines.slice(timing + 1, at).join(' ');
    segments.push({ start, end, text: (format === 'WebVTT' ? ofWebVtt(text) : ofSrt(text)).trim() });
  }
  return segments;
}

function timeOf([hours = '0', minutes, seconds, fraction]: (string | undefined)[]): number {
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return Number(minutes) < 60 && Number(seconds) < 60 ? whole + Number(fraction!.padEnd(3, '0')) / 1000 : NaN;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', lrm: '', rlm: '' };

function ofWebVtt(text: string): string {
  return text.replace(/<[^>]*>/g, '').replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, entity: string) => ENTITIES[entity]!);
}

/** Players know these tags; any other is text. */
function ofSrt(text: string): string {
  return text.replace(/<\/?(?:[biu]|font)(?:\s[^>]*)?>/gi, '').replace(/\{\\an\d\}/g, '');
}
