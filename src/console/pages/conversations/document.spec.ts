import { describe, expect, test } from '@jest/globals';
import {
  addVoice,
  assign,
  dialogueOf,
  merge,
  positionAt,
  remove,
  rename,
  resize,
  speechOf,
  split,
  turnsBetween,
  type Dialogue,
} from './document.js';

type Given = Parameters<typeof dialogueOf>[0];

function dialogue(...turns: [start: number, end: number, speaker: string][]): Dialogue {
  const labels = [...new Set(turns.map(([, , speaker]) => speaker))].sort();
  const speakers = labels.map((label) => ({ label, name: null, speakerId: null }));
  const found = turns.map(([start, end, speaker]) => ({ start, end, speaker, overlap: 0 }));
  return dialogueOf({ seconds: 60, speakers, turns: found } as unknown as Given);
}

const shape = ({ turns }: Dialogue): [number, number, string][] =>
  turns.map(({ start, end, voice }) => [start, end, voice]);

describe('a correction', () => {
  const said = dialogue([0, 4, 'A'], [3, 6, 'B'], [8, 10, 'A']);

  test('gives a turn to another voice, and counts anew where two speak', () => {
    const edited = assign(said, 1, 'A');
    expect(shape(edited)).toEqual([
      [0, 4, 'A'],
      [3, 6, 'A'],
      [8, 10, 'A'],
    ]);
    // One person does not speak over herself.
    expect(edited.turns.map(({ overlap }) => overlap)).toEqual([0, 0, 0]);
    expect(assign(edited, 1, 'B').turns.map(({ overlap }) => overlap)).toEqual([1, 1, 0]);
    expect(said.turns[1]!.voice).toBe('B');
  });

  test('to a voice or of a turn that is not there is none', () => {
    expect(assign(said, 1, 'Z')).toBe(said);
    expect(assign(said, 99, 'A')).toBe(said);
    expect(assign(said, 0, 'A')).toBe(said);
    expect(remove(said, 99)).toBe(said);
    expect(merge(said, 'A', 'A')).toBe(said);
    expect(rename(said, 'A', '  ')).toBe(said);
  });

  test('moves the ends of a turn, within the recording and never the wrong way round', () => {
    expect(shape(resize(said, 2, 2, 9))).toEqual([
      [0, 4, 'A'],
      [2, 9, 'A'],
      [3, 6, 'B'],
    ]);
    expect(resize(said, 2, -5, 1000).turns.find(({ id }) => id === 2)).toMatchObject({ start: 0, end: 60 });
    expect(resize(said, 2, 9, 7).turns.at(-1)).toMatchObject({ start: 9, end: 9.05 });
    expect(resize(said, 2, 1000, 2000).turns.at(-1)).toMatchObject({ start: 59.95, end: 60 });
  });

  test('splits a turn where both parts can be heard', () => {
    const parts = split(said, 0, 1);
    expect(shape(parts).slice(0, 2)).toEqual([
      [0, 1, 'A'],
      [1, 4, 'A'],
    ]);
    expect(new Set(parts.turns.map(({ id }) => id)).size).toBe(4);
    expect(split(said, 0, 3.99)).toBe(said);
  });

  test('merges two voices: what they say without a pause is one turn, and a name is kept', () => {
    const named = rename(said, 'B', ' Ada ');
    const one = merge(named, 'B', 'A');
    expect(shape(one)).toEqual([
      [0, 6, 'A'],
      [8, 10, 'A'],
    ]);
    expect(one.voices).toEqual([{ label: 'A', name: 'Ada', speakerId: null }]);
  });

  test('names a voice; what somebody types is not what the service found', () => {
    const found = { ...said, voices: [{ label: 'A', name: 'Ada', speakerId: 'ada' }, said.voices[1]!] };
    expect(rename(found, 'A', 'Ada')).toBe(found);
    expect(rename(found, 'A', 'Ben').voices[0]).toEqual({ label: 'A', name: 'Ben', speakerId: null });
    expect(rename(found, 'A', '').voices[0]).toEqual({ label: 'A', name: null, speakerId: null });
  });

  test('adds voices under the labels that are free', () => {
    expect(addVoice(merge(said, 'A', 'B')).voices.map(({ label }) => label)).toEqual(['B', 'A']);
    let many = said;
    for (let i = 0; i < 26; i++) many = addVoice(many);
    expect(many.voices.at(-1)!.label).toBe('AB');
  });
});

test('three people at once are counted once each', () => {
  const all = assign(dialogue([0, 10, 'A'], [2, 4, 'B'], [3, 5, 'C'], [20, 21, 'C']), 3, 'B');
  expect(all.turns.map(({ overlap }) => overlap)).toEqual([3, 2, 2, 0]);
  expect(speechOf(all).get('A')).toEqual({ seconds: 10, own: 7, turns: 1 });
});

test('of five thousand turns those that are seen are found, also one that began long before', () => {
  const many = Array.from({ length: 5000 }, (_, i): [number, number, string] => [
    i * 2,
    i * 2 + 1.5,
    i % 2 ? 'A' : 'B',
  ]);
  const all = dialogueOf({ seconds: 60, turns: [], speakers: [] });
  expect(turnsBetween(all, 0, 10)).toEqual([]);
  const long = dialogue([0, 9000, 'C'], ...many);
  expect(turnsBetween(long, 5000, 5004).map(({ start }) => start)).toEqual([0, 5000, 5002]);
  expect(turnsBetween(long, 5001.5, 5002)).toHaveLength(1);
  expect(positionAt(long, 4.2)).toBe(3);
  expect(positionAt(long, -1)).toBe(-1);
});
