import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Scorer, SpeakerEncoder } from '../../src/index.js';
import { timbre } from '../cli/support.js';
import { comparisonView, embeddingsView } from '../../src/service/embeddings/embeddings.dto.js';
import { TestService, wav, Workshop } from './support.js';

let workshop: Workshop;
let model: string;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  service = await TestService.start(workshop, {
    model,
    maxFiles: 4,
    maxUploadBytes: 1_000_000,
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('POST /v1/embeddings', () => {
  test('answers one result per recording, in their order', async () => {
    const recordings = [wav(2), wav(3, { seed: 2, rate: 8000 })];
    const { status, body, headers } = await service.postForm('/v1/embeddings', [
      ['audio', recordings[0]!, 'first.wav'],
      ['audio', recordings[1]!, '../../second ü.wav'],
    ]);
    expect({ status, body }).toMatchObject({ status: 200 });
    const { model, dimension, results } = embeddingsView.parse(body);
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    expect(model).toMatch(/^small@[0-9a-f]{12}$/);
    expect(dimension).toBe(32);
    expect(results).toHaveLength(2);
    const [first, second] = results;
    expect(first).toMatchObject({ index: 0, filename: 'first.wav', audio: { seconds: 2, sampleRate: 16000 } });
    expect(second).toMatchObject({ index: 1, filename: 'second ü.wav', audio: { seconds: 3, sampleRate: 8000 } });
    expect(first).toHaveProperty('sha256', createHash('sha256').update(recordings[0]!).digest('hex'));
    for (const result of results) expect(result).toHaveProperty('embedding.length', 32);
    expect(await service.uploads()).toEqual([]);
  });
});

describe('a part of a recording', () => {
  /** Two voices, one a channel. */
  const [left, right] = [wav(2), wav(2, { seed: 2 })];
  const both = Buffer.concat([left.subarray(0, 44), Buffer.alloc(2 * (left.length - 44))]);
  both.writeUInt16LE(2, 22);
  both.writeUInt32LE(4 * 16_000, 28);
  both.writeUInt16LE(4, 32);
  both.writeUInt32LE(both.length - 44, 40);
  for (let at = 44; at < left.length; at += 2) {
    left.copy(both, 2 * at - 44, at, at + 2);
    right.copy(both, 2 * at - 42, at, at + 2);
  }

  async function embeddings(audio: Buffer, ...fields: [string, string][]): Promise<object[]> {
    const { status, body } = await service.postForm('/v1/embeddings', [['audio', audio], ...fields]);
    expect({ status, body }).toMatchObject({ status: 200 });
    return embeddingsView.parse(body).results;
  }

  test('is a channel, each channel, or their mix', async () => {
    const [[a], [b]] = [await embeddings(left), await embeddings(right)] as [object[], object[]];
    const { embedding: ofA } = a as { embedding: number[] };
    const { embedding: ofB } = b as { embedding: number[] };
    expect(await embeddings(both, ['channel', '1'])).toMatchObject([{ embedding: ofB, audio: { channel: 1 } }]);
    expect(await embeddings(both, ['channel', 'each'])).toMatchObject([
      { index: 0, channel: 0, embedding: ofA },
      { index: 0, channel: 1, embedding: ofB },
    ]);
    expect(await embeddings(both, ['channel', 'mix'])).toMatchObject([{ audio: { channel: 'mix', channels: 2 } }]);
    const audio = { channel: 1 };
    const compared = await service.postForm('/v1/compare', [
      ['a', both],
      ['b', both],
      ['channel', '1'],
    ]);
    expect(compared).toMatchObject({ status: 200, body: { a: { audio }, b: { audio } } });
  });

  test.each([
    ['channel', 'left'],
    ['channel', '-1'],
    ['channel', '7'],
    ['track', '3'],
    ['track', 'first'],
  ])('%s=%s is answered with 400', async (field, value) => {
    const { status, body } = await service.postForm('/v1/embeddings', [
      ['audio', both],
      [field, value],
    ]);
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    expect((body as { message: string }).message).toContain(field);
  });

  test('each has no place where there is one answer', async () => {
    const { status } = await service.postForm('/v1/compare', [
      ['a', both],
      ['b', both],
      ['channel', 'each'],
    ]);
    expect(status).toBe(400);
  });
});

describe('POST /v1/compare', () => {
  test('scores by the calibration of the model, whatever the order of the fields', async () => {
    const { status, body } = await service.postForm('/v1/compare', [
      ['b', wav(3, { seed: 2 }), 'b.wav'],
      ['a', wav(2), 'a.wav'],
    ]);
    expect(status).toBe(200);
    const { cosine, llr, probability, threshold, decision, falseAcceptRate, a, b } = comparisonView
      .strict()
      .parse(body);
    expect([a.filename, b.filename]).toEqual(['a.wav', 'b.wav']);
    expect({ threshold, falseAcceptRate }).toEqual({ threshold: 0.5, falseAcceptRate: 0.01 });
    expect(llr).toBeCloseTo(-4 + 10 * cosine, 6);
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(-(llr ?? NaN))), 9);
    expect(decision).toBe(cosine >= 0.5 ? 'ACCEPT' : 'REJECT');
  });

  test('gives the same evidence as the command line and as a program without the service', async () => {
    const files = ['a.wav', 'b.wav'].map((name) => workshop.path(name));
    const recordings = [wav(2), wav(3, { seed: 2 })];
    await Promise.all(files.map((file, i) => writeFile(file, recordings[i]!)));
    const { body } = await service.postForm('/v1/compare', [
      ['a', recordings[0]!],
      ['b', recordings[1]!],
    ]);
    const { a: _a, b: _b, model: name, ...answer } = comparisonView.parse(body);

    const told = await timbre(['compare', ...files, '--model', model, '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({ ...answer, model: name });

    const encoder = await SpeakerEncoder.load({ model, device: 'cpu', workers: 1 });
    try {
      const [a, b] = [await encoder.embed(files[0]!), await encoder.embed(files[1]!)];
      expect(Scorer.of(encoder.info().manifest).score(a.embedding, b.embedding)).toEqual(answer);
    } finally {
      await encoder.close();
    }
  });

  test('a recording is the same as itself', async () => {
    const { body } = await service.postForm('/v1/compare', [
      ['a', wav(2)],
      ['b', wav(2)],
    ]);
    const { cosine, decision, a, b } = comparisonView.parse(body);
    expect(cosine).toBeCloseTo(1, 6);
    expect(decision).toBe('ACCEPT');
    expect(a.sha256).toBe(b.sha256);
  });
});
