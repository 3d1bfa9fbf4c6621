import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { embeddingsView } from '../../src/embeddings/embeddings.dto.js';
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
