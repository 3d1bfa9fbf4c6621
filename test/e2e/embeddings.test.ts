import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { comparisonView, embeddingsView } from '../../src/service/embeddings/embeddings.dto.js';
import { TestService, wav, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
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
