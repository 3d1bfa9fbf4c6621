import type { Answer } from '../../../client/index.js';

/** Somebody's speech without a pause. Seconds from the beginning of the recording. */
export interface Turn {
  /** Of this page; stays with the turn while it is edited. */
  id: number;
  start: number;
  end: number;
  /** Label of the voice. */
  voice: string;
  /** Seconds in which somebody else speaks, too. */
  overlap: number;
}

export interface Voice {
  label: string;
  /** As people call it; null: nobody has named it. */
  name: string | null;
  /** Of whom the service recognised, until the voice is renamed. */
  speakerId: string | null;
}

/** Who speaks when, as the page shows and edits it. Never changed in place. */
export interface Dialogue {
  seconds: number;
  voices: readonly Voice[];
  /** By start. */
  turns: readonly Turn[];
  /** The longest turn, seconds: how far before a moment a turn may begin that lasts until then. */
  longest: number;
}

/** A turn that is shorter cannot be heard, nor pointed at. */
export const LEAST_TURN = 0.05;

type Conversation = Answer<'getConversation'>;

/** What the service found. */
export function dialogueOf({
  seconds,
  speakers,
  turns,
}: Pick<Conversation, 'seconds' | 'speakers' | 'turns'>): Dialogue {
  const voices = speakers.map(({ label, name, speakerId }) => ({ label, name: name ?? speakerId, speakerId }));
  const numbered = turns.map(({ start, end, speaker, overlap }, id) => ({ id, start, end, voice: speaker, overlap }));
  numbered.sort(byStart);
  return { seconds: seconds ?? 0, voices, turns: numbered, longest: longestOf(numbered) };
}

/** Gives a turn to another voice. */
export function assign(dialogue: Dialogue, id: number, voice: string): Dialogue {
  if (!dialogue.voices.some(({ label }) => label === voice)) return dialogue;
  return change(dialogue, id, (turn) => (turn.voice === voice ? turn : { ...turn, voice }));
}

/** Moves the ends of a turn, within the recording. */
export function resize(dialogue: Dialogue, id: number, start: number, end: number): Dialogue {
  const from = clamp(start, 0, Math.max(0, dialogue.seconds - LEAST_TURN));
  const to = clamp(end, from + LEAST_TURN, Math.max(dialogue.seconds, from + LEAST_TURN));
  return change(dialogue, id, (turn) =>
    turn.start === from && turn.end === to ? turn : { ...turn, start: from, end: to },
  );
}

/** Two turns of one, of the same voice; as it was where either would be too short. */
export function split(dialogue: Dialogue, id: number, at: number): Dialogue {
  const turn = dialogue.turns.find((one) => one.id === id);
  if (!turn || at - turn.start < LEAST_TURN || turn.end - at < LEAST_TURN) return dialogue;
  const second = { ...turn, id: nextId(dialogue), start: at };
  return withTurns(
    dialogue,
    dialogue.turns.flatMap((one) => (one.id === id ? [{ ...one, end: at }, second] : [one])),
  );
}

export function remove(dialogue: Dialogue, id: number): Dialogue {
  const turns = dialogue.turns.filter((one) => one.id !== id);
  return turns.length === dialogue.turns.length ? dialogue : withTurns(dialogue, turns);
}

/** A name that somebody typed: the voice is no longer the service's find. Nothing typed: the voice has its label. */
export function rename(dialogue: Dialogue, label: string, name: string): Dialogue {
  const given = name.trim() === '' ? null : name.trim();
  const voices = dialogue.voices.map((voice) =>
    voice.label === label && voice.name !== given ? { ...voice, name: given, speakerId: null } : voice,
  );
  return voices.some((voice, i) => voice !== dialogue.voices[i]) ? { ...dialogue, voices } : dialogue;
}

/** One voice of two: what both say at once, or without a pause, becomes one turn. */
export function merge(dialogue: Dialogue, from: string, into: string): Dialogue {
  const gone = dialogue.voices.find(({ label }) => label === from);
  const stays = dialogue.voices.find(({ label }) => label === into);
  if (!gone || !stays || from === into) return dialogue;
  const named = stays.name === null ? { ...stays, name: gone.name, speakerId: gone.speakerId } : stays;
  const turns: Turn[] = [];
  let last: Turn | undefined;
  for (const turn of dialogue.turns) {
    if (turn.voice !== from && turn.voice !== into) {
      turns.push(turn);
    } else if (last && turn.start <= last.end) {
      last.end = Math.max(last.end, turn.end);
    } else {
      last = { ...turn, voice: into };
      turns.push(last);
    }
  }
  const voices = dialogue.voices.flatMap((voice) => (voice === gone ? [] : [voice === stays ? named : voice]));
  return withTurns({ ...dialogue, voices }, turns);
}

/** One more voice, with the first label that is free. */
export function addVoice(dialogue: Dialogue): Dialogue {
  const taken = new Set(dialogue.voices.map(({ label }) => label));
  let number = 0;
  while (taken.has(labelOf(number))) number++;
  return { ...dialogue, voices: [...dialogue.voices, { label: labelOf(number), name: null, speakerId: null }] };
}

/** A, B, ... Z, AA, AB, ... */
function labelOf(number: number): string {
  const last = String.fromCharCode(65 + (number % 26));
  return number < 26 ? last : labelOf(Math.floor(number / 26) - 1) + last;
}

/** What a voice is called for people. */
export function shownName({ name, label }: Voice): string {
  return name ?? label;
}

/** The turns that are heard between two moments. */
export function turnsBetween({ turns, longest }: Dialogue, from: number, to: number): Turn[] {
  const found: Turn[] = [];
  for (let i = firstFrom(turns, from - longest); i < turns.length && turns[i]!.start < to; i++) {
    if (turns[i]!.end > from) found.push(turns[i]!);
  }
  return found;
}

/** Position of the last turn that has begun at a moment; -1 before the first. */
export function positionAt({ turns }: Pick<Dialogue, 'turns'>, moment: number): number {
  return firstFrom(turns, moment + 1e-9) - 1;
}

/** Of each voice: seconds of its speech, those in which nobody else speaks, and how many turns. */
export function speechOf(dialogue: Dialogue): Map<string, { seconds: number; own: number; turns: number }> {
  const of = new Map(dialogue.voices.map(({ label }) => [label, { seconds: 0, own: 0, turns: 0 }]));
  for (const { voice, start, end, overlap } of dialogue.turns) {
    const sum = of.get(voice);
    if (!sum) continue;
    sum.seconds += end - start;
    sum.own += end - start - overlap;
    sum.turns++;
  }
  return of;
}

function change(dialogue: Dialogue, id: number, edit: (turn: Turn) => Turn): Dialogue {
  const at = dialogue.turns.findIndex((turn) => turn.id === id);
  if (at < 0) return dialogue;
  const edited = edit(dialogue.turns[at]!);
  return edited === dialogue.turns[at] ? dialogue : withTurns(dialogue, dialogue.turns.with(at, edited));
}

function withTurns(dialogue: Dialogue, changed: readonly Turn[]): Dialogue {
  const turns = withOverlaps(changed);
  return { ...dialogue, turns, longest: longestOf(turns) };
}

/** Turns by start, with the seconds in which somebody else speaks, too. */
export function withOverlaps(given: readonly Turn[]): Turn[] {
  const turns = given.map((turn) => ({ ...turn, overlap: 0 }));
  turns.sort(byStart);
  const edges = turns.flatMap((turn) => [
    { at: turn.start, begins: true, turn },
    { at: turn.end, begins: false, turn },
  ]);
  edges.sort((a, b) => a.at - b.at);
  const heard = new Set<Turn>();
  let before = 0;
  for (const { at, begins, turn } of edges) {
    if (at > before && new Set(Array.from(heard, ({ voice }) => voice)).size > 1) {
      for (const one of heard) one.overlap += at - before;
    }
    before = at;
    if (begins) heard.add(turn);
    else heard.delete(turn);
  }
  return turns;
}

function byStart(a: Turn, b: Turn): number {
  return a.start - b.start || a.id - b.id;
}

function longestOf(turns: readonly Turn[]): number {
  return turns.reduce((longest, { start, end }) => Math.max(longest, end - start), 0);
}

function nextId({ turns }: Dialogue): number {
  return 1 + turns.reduce((highest, { id }) => Math.max(highest, id), -1);
}

/** Position of the first turn that begins at a moment or later. */
function firstFrom(turns: readonly Turn[], moment: number): number {
  let [low, high] = [0, turns.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (turns[middle]!.start < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
