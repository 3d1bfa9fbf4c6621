import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint, SpeakerEncoder } from '../../src/addon/index.js';
import { distance, goldenCases, MOST_COSINE_DISTANCE, MOST_RELATIVE_ERROR, writeCheckpoint } from './golden.js';
import { RATE, resultOf, Workshop } from './support.js';

describe('the embeddings of SpeechBrain, waveform to vector', () => {
  let workshop: Workshop;
  const cases = goldenCases();
  const inputs = cases.map(({ samples }) => ({ samples, sampleRate: RATE }));

  beforeAll(async () => {
    workshop = await Workshop.open();
  });

  afterAll(() => workshop.remove());

  function expectClose(embedding: Float32Array, reference: Float32Array, name: string): void {
    expect(embedding).toHaveLength(reference.length);
    const distances = distance(embedding, reference);
    if (distances.relative > MOST_RELATIVE_ERROR || distances.cosine > MOST_COSINE_DISTANCE) {
      throw new Error(`${name}: ${JSON.stringify(distances)}`);
    }
  }

  test.each(['c64', 'c1024'] as const)(
    'of the network %s, alone and in a mixed batch',
    async (size) => {
      expect(cases.length).toBeGreaterThanOrEqual(5);
      const [checkpoint, out] = [workshop.path(`${size}.ckpt`), workshop.path(`${size}.pt`)];
      writeCheckpoint(size, checkpoint);
      await convertCheckpoint({ checkpoint, family: 'speechbrain', id: size, out });
      const encoder = await SpeakerEncoder.load({ model: out, precision: 'fp32' });
      const order = cases.map((_, i) => (3 * i + 1) % cases.length);
      const items = await encoder.embedBatch(
        order.map((i) => inputs[i]!),
        { allowSilence: true, pauses: 'keep' },
      );
      for (const [place, i] of order.entries()) {
        expectClose(resultOf(items[place]).embedding, cases[i]!.embedding(size), cases[i]!.name);
      }
      for (const [i, one] of cases.entries()) {
        const { embedding } = await encoder.embed(inputs[i]!, { allowSilence: true, pauses: 'keep' });
        expectClose(embedding, one.embedding(size), one.name);
      }
      await encoder.close();
    },
    300_000,
  );
});
