import type { Answer } from '../../../client/index.js';
import { writeWebVtt } from '../../../conversations/webvtt.js';
import { writeRttm } from '../../../evaluation/rttm.js';
import { shownName, speechOf, type Dialogue, type Voice } from './document.js';

export const EXPORT_TYPES = ['rttm', 'vtt', 'json'] as const;
export type ExportType = (typeof EXPORT_TYPES)[number];

const MEDIA_TYPES: Record<ExportType, string> = {
  rttm: 'application/x-rttm',
  vtt: 'text/vtt',
  json: 'application/json',
};

type Conversation = Answer<'getConversation'>;
type Speaker = Conversation['speakers'][number];

/** A conversation as the page has it, in a form that the API answers, too: with corrections, of the answer's form. */
export function exported(
  type: ExportType,
  dialogue: Dialogue,
  answer: Conversation,
): { file: string; text: string; type: string } {
  const stem = (answer.filename ?? '').replace(/\.[^.]*$/, '') || answer.id;
  return { file: `${stem}.${type}`, text: textAs(type, dialogue, answer, stem), type: MEDIA_TYPES[type] };
}

function textAs(type: ExportType, dialogue: Dialogue, answer: Conversation, stem: string): string {
  if (type === 'json') return `${JSON.stringify(corrected(answer, dialogue), null, 2)}\n`;
  const called = calledBy(type === 'rttm' ? 'id' : 'name', dialogue.voices);
  const turns = dialogue.turns.map(({ start, end, voice }) => ({ start, end, speaker: called.get(voice) ?? voice }));
  if (type === 'rttm') return writeRttm(stem, turns);
  return writeWebVtt(turns.map((turn) => ({ ...turn, text: turn.speaker })));
}

/** The service's answer with the page's voices and turns; evidence stays where its name does. */
function corrected(answer: Conversation, dialogue: Dialogue): Conversation {
  const speech = speechOf(dialogue);
  const speakers = dialogue.voices.map((voice): Speaker => {
    const found = answer.speakers.find(({ label }) => label === voice.label);
    const { seconds, own, turns } = speech.get(voice.label)!;
    const kept =
      found !== undefined && found.speakerId === voice.speakerId && voice.name === (found.name ?? found.speakerId);
    return {
      ...NOBODY,
      ...(kept && found),
      label: voice.label,
      speakerId: voice.speakerId,
      name: voice.name,
      unknownVoiceId: found?.unknownVoiceId ?? null,
      channels: found?.channels ?? null,
      speechSeconds: rounded(seconds),
      ownSeconds: rounded(own),
      turns,
    };
  });
  const turns = dialogue.turns.map(({ start, end, voice, overlap }) => ({
    start: rounded(start),
    end: rounded(end),
    speaker: voice,
    overlap: rounded(overlap),
  }));
  return { ...answer, speakers, turns };
}

/** Of a voice about which the service says nothing. */
const NOBODY = {
  namedBy: null,
  decision: null,
  reason: 'NOT_ASKED',
  missingSpeechSeconds: null,
  sameAs: null,
  score: null,
  margin: null,
  nearest: null,
} as const;

/**
 * What each voice is called in a file: by its speaker's id or name. Two voices never have one name: who is called as
 * another is, or as another's label, has the own label beside it.
 */
export function calledBy(by: 'id' | 'name', voices: readonly Voice[]): Map<string, string> {
  const textOf = (voice: Voice): string => (by === 'id' ? (voice.speakerId ?? shownName(voice)) : shownName(voice));
  const counts = new Map<string, number>();
  for (const voice of voices) counts.set(textOf(voice), (counts.get(textOf(voice)) ?? 0) + 1);
  const labels = new Set(voices.map(({ label }) => label));
  return new Map(
    voices.map((voice) => {
      const text = textOf(voice);
      const apart = (counts.get(text) ?? 0) > 1 || (text !== voice.label && labels.has(text));
      return [voice.label, apart ? `${text} (${voice.label})` : text];
    }),
  );
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
