import { speakerLabel } from './conversation.js';
import type { ConversationResult, ConversationSpeaker, ConversationTurn, Interval } from './types.js';

/** Cosine of voices of two channels that are one person's: as of two clusters of one recording (native recipe.h, merge). */
const SAME_VOICE = 0.68;
/** Pauses of a speaker that are closed, seconds, as in one channel (recipe.h, fill). */
const FILL = 0.3;

/** A voice of one channel. */
interface ChannelVoice {
  channel: number;
  embedding: Float32Array;
  ownSeconds: number;
  turns: Interval[];
}

/** Somebody, heard in one channel or in several. */
type Person = ChannelVoice[];

/**
 * Speakers and turns of a recording from those of each of its channels.
 *
 * Voices of different channels that are alike are one person: who is heard in another channel than the own one, or by
 * several microphones. `single`: one person has each channel. A voice that is heard in several channels is the person of
 * the one in which it speaks most, and cross-talk in the others, where it is removed; whatever else a channel holds is its
 * own person's, however many voices it was taken for.
 */
export function joinChannels(
  results: readonly Pick<ConversationResult, 'speakers' | 'turns'>[],
  single: boolean,
): Pick<ConversationResult, 'speakers' | 'turns'> {
  const voices = results.flatMap(({ speakers, turns }, channel) =>
    speakers.map(({ label, embedding, ownSeconds }) => ({
      channel,
      embedding,
      ownSeconds,
      turns: turns.filter(({ speaker }) => speaker === label),
    })),
  );
  const people = alike(voices);
  return conversationOf(single ? oneForEach(people, results.length) : people);
}

/** Average linkage; voices of one channel were told apart there and stay apart. */
function alike(voices: readonly ChannelVoice[]): Person[] {
  const people: Person[] = voices.map((voice) => [voice]);
  for (;;) {
    let [best, first, second] = [SAME_VOICE, -1, -1];
    for (let i = 0; i < people.length; i++) {
      for (let j = i + 1; j < people.length; j++) {
        const cosine = linkage(people[i]!, people[j]!);
        if (cosine >= best) [best, first, second] = [cosine, i, j];
      }
    }
    if (first < 0) return people;
    people[first]!.push(...people[second]!);
    people.splice(second, 1);
  }
}

/** The mean cosine; -1 where both are heard in one channel. */
function linkage(a: Person, b: Person): number {
  if (a.some(({ channel }) => b.some((other) => other.channel === channel))) return -1;
  const cosines = a.flatMap((one) => b.map((other) => dot(one.embedding, other.embedding)));
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The person of each channel, with what is heard there: nobody where all that is heard is cross-talk. */
function oneForEach(people: readonly Person[], channels: number): Person[] {
  const shared = people
    .filter((person) => person.length > 1)
    .flatMap((person) => person.map((voice) => ({ person, voice })))
    .sort((a, b) => spoken(b.voice) - spoken(a.voice));
  const homes = new Map<Person, ChannelVoice>();
  const taken = new Set<number>();
  for (const { person, voice } of shared) {
    if (homes.has(person) || taken.has(voice.channel)) continue;
    homes.set(person, voice);
    taken.add(voice.channel);
  }
  return Array.from({ length: channels }, (_, channel) => {
    const own = people.flatMap((person) => (person.length > 1 ? [homes.get(person)] : person));
    return own.filter((voice) => voice !== undefined).filter((voice) => voice.channel === channel);
  }).filter((person) => person.length > 0);
}

function spoken({ turns }: ChannelVoice): number {
  return turns.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Labels in the order in which people first speak. */
function conversationOf(people: readonly Person[]): Pick<ConversationResult, 'speakers' | 'turns'> {
  const heard = people
    .map((voices) => ({ voices, turns: joined(voices.flatMap(({ turns }) => turns)) }))
    .filter(({ turns }) => turns.length > 0)
    .sort((a, b) => a.turns[0]!.start - b.turns[0]!.start);
  const turns: ConversationTurn[] = heard
    .flatMap((person, index) => {
      const others = joined(
        heard.flatMap((other) => (other === person ? [] : other.turns)),
        0,
      );
      const speaker = speakerLabel(index);
      return person.turns.map(({ start, end }) => ({ start, end, speaker, overlap: common(others, start, end) }));
    })
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const speakers = heard.map(({ voices }, index): ConversationSpeaker => {
    const label = speakerLabel(index);
    const own = turns.filter(({ speaker }) => speaker === label);
    const speechSeconds = own.reduce((sum, { start, end }) => sum + end - start, 0);
    return {
      label,
      speechSeconds,
      ownSeconds: speechSeconds - own.reduce((sum, { overlap }) => sum + overlap, 0),
      turns: own.length,
      embedding: mean(voices),
      channels: [...new Set([...voices].sort((a, b) => spoken(b) - spoken(a)).map(({ channel }) => channel))],
    };
  });
  return { speakers, turns };
}

/** Intervals by time, those less than `gap` apart as one. */
function joined(intervals: readonly Interval[], gap = FILL): Interval[] {
  const list: Interval[] = [];
  for (const { start, end } of [...intervals].sort((a, b) => a.start - b.start)) {
    const last = list.at(-1);
    if (last && start - last.end < gap) last.end = Math.max(last.end, end);
    else list.push({ start, end });
  }
  return list;
}

/** Seconds that intervals, by time and apart, have in common with one. */
function common(intervals: readonly Interval[], start: number, end: number): number {
  let sum = 0;
  for (const other of intervals) {
    if (other.start >= end) break;
    sum += Math.max(Math.min(other.end, end) - Math.max(other.start, start), 0);
  }
  return sum;
}

/** Each weighs its own speech; of unit length. */
function mean(voices: readonly ChannelVoice[]): Float32Array {
  const sum = new Float32Array(voices[0]!.embedding.length);
  for (const { embedding, ownSeconds } of voices) {
    // A voice that never speaks alone says little, and something where there is no other.
    const weight = Math.max(ownSeconds, 0.01);
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * embedding[i]!;
  }
  const length = Math.sqrt(dot(sum, sum));
  return length > 0 ? sum.map((value) => value / length) : sum;
}
