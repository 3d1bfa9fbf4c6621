// Times of models for a few seconds of speech on one thread, in turns.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { ROOT } from './machine.mjs';

const RATE = 16_000;
const WARM = 5;

/**
 * All embed the same samples, from waveform to vector, pauses kept.
 * @param {string[]} models bundles or their ids
 * @param {{ seconds: number, rounds: number }} options
 * @returns {Promise<number[][]>} milliseconds by model and round
 */
export async function timesInTurns(models, { seconds, rounds }) {
  const words = ['-v', 'error', '-i', join(ROOT, 'samples', 'anna-1.wav'), '-t', `${seconds}`, '-ar', `${RATE}`];
  const pcm = execFileSync('ffmpeg', [...words, '-ac', '1', '-f', 's16le', '-'], { maxBuffer: 1 << 26 });
  const samples = Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i) / 32768);
  if (samples.length < seconds * RATE) throw new Error(`samples/anna-1.wav has no ${seconds} s`);
  const encoders = await Promise.all(models.map((model) => SpeakerEncoder.load({ model, device: 'cpu', workers: 1 })));
  /** @type {number[][]} */
  const times = encoders.map(() => []);
  for (let round = -WARM; round < rounds; round++) {
    for (const [i, encoder] of encoders.entries()) {
      const started = performance.now();
      await encoder.embed({ samples, sampleRate: RATE }, { pauses: 'keep' });
      if (round >= 0) times[i]?.push(performance.now() - started);
    }
  }
  await Promise.all(encoders.map((encoder) => encoder.close()));
  return times;
}
