import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder, type EmbedResult } from '../../src/addon/index.js';
import { failure, Workshop } from './support.js';

let workshop: Workshop;
let encoder: SpeakerEncoder;
let source: string;
let expected: EmbedResult;

beforeAll(async () => {
  workshop = await Workshop.open();
  encoder = await SpeakerEncoder.load({ model: await workshop.bundle() });
  source = workshop.path('spoken.wav');
  const words = 'The quick brown fox jumps over the lazy dog, and nobody is surprised.';
  execFileSync('espeak-ng', ['-v', 'en-us', '-w', source, words]);
  expected = await encoder.embed(source);
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

interface Format {
  file: string;
  options: string[];
  /** How close a coder leaves the embedding to that of the source. */
  cosine: number;
}

const LOSSLESS = 0.99999;
const FORMATS: Format[] = [
  { file: 'pcm24.wav', options: ['-c:a', 'pcm_s24le'], cosine: LOSSLESS },
  { file: 'float.wav', options: ['-c:a', 'pcm_f32le'], cosine: LOSSLESS },
  { file: 'unsigned.wav', options: ['-c:a', 'pcm_u8'], cosine: 0.9 },
  { file: 'phone.wav', options: ['-c:a', 'pcm_alaw'], cosine: 0.9 },
  { file: 'six channels.wav', options: ['-ac', '6'], cosine: 0.9 },
  { file: 'a.flac', options: [], cosine: LOSSLESS },
  { file: 'a.aiff', options: [], cosine: LOSSLESS },
  { file: 'vorbis.ogg', options: ['-c:a', 'libvorbis', '-q:a', '6'], cosine: 0.9 },
  { file: 'a.opus', options: ['-c:a', 'libopus', '-b:a', '64k'], cosine: 0.85 },
  { file: 'a.mp3', options: ['-b:a', '128k'], cosine: 0.9 },
  { file: 'a.webm', options: ['-c:a', 'libopus', '-b:a', '64k'], cosine: 0.85 },
  { file: 'a.m4a', options: ['-c:a', 'aac', '-b:a', '128k'], cosine: 0.9 },
  { file: 'a.mka', options: ['-c:a', 'flac'], cosine: LOSSLESS },
];

describe('formats made by ffmpeg', () => {
  test.each(FORMATS)('$file, by path, bytes and stream, whatever it is called', async ({ file, options, cosine }) => {
    const path = workshop.path(file);
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, ...options, path]);
    const result = await encoder.embed(path);
    expect(encoder.cosine(result, expected)).toBeGreaterThan(cosine);
    // Coders pad what they code to whole frames.
    expect(Math.abs(result.audio.seconds - expected.audio.seconds)).toBeLessThan(0.15);

    const bytes = await readFile(path);
    const others = await encoder.embedBatch([
      bytes,
      createReadStream(path),
      await workshop.write('no-extension', bytes),
    ]);
    for (const item of others) {
      expect('result' in item ? encoder.cosine(item.result, result) : item.error).toBeCloseTo(1, 6);
    }
  });

  test('a video gives the recording of its sound', async () => {
    const path = workshop.path('a.mp4');
    const video = ['-f', 'lavfi', '-i', 'color=size=32x32:rate=5', '-i', source, '-shortest', '-c:a', 'aac'];
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...video, path]);
    expect(encoder.cosine(await encoder.embed(path), expected)).toBeGreaterThan(0.85);
  });

  test('a container without sound is unsupported', async () => {
    const path = workshop.path('silent.mp4');
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'color=size=32x32:rate=5:duration=1', path]);
    expect(['AUDIO_UNSUPPORTED', 'AUDIO_CORRUPT']).toContain((await failure(encoder.embed(path))).code);
  });
});

test('the description of a recording says what it was', () => {
  expect(expected.audio.format).toMatch(/^WAV\/PCM_16/);
  expect(expected.audio.channels).toBe(1);
});

test('speech is found in a recording of it', () => {
  expect(expected.speech.seconds).toBeGreaterThan(1);
  expect(expected.speech.seconds).toBeLessThan(expected.audio.seconds);
});
