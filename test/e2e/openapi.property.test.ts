import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { callsOf, faultsOf, isUnsendable, nth, requestsOf, senderTo, type Document } from '../fuzz/http-requests.mjs';
import { silence, spoken, TestService, wav, Workshop } from './support.js';

/**
 * Requests made from the OpenAPI document, right and wrong: none may end as the document does not say.
 * bench/reliability/http-fuzz.mjs is the long run of the same.
 */
const REQUESTS = 600;
const SEED = 20_260_731;
/** Milliseconds after which no further request is made: a slow machine gets less far. */
const LONGEST_RUN = 45_000;

/** Speech, so that calls about voices get to their end. */
const SPEECH = [spoken('m1', 0), spoken('f2', 1)];

const OTHERS = [
  wav(1.5),
  wav(2, { seed: 2, rate: 8000 }),
  wav(0.01),
  silence(1),
  wav(1).subarray(0, 5000),
  Buffer.from('no recording'),
  Buffer.alloc(0),
];

const IDS = { '/v1/speakers/{id}': ['ada', 'bob', 'cleo', 'dan'] };

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    // Nothing is fetched for whoever asks.
    segmentation: workshop.path('nowhere.pt'),
    maxFiles: 3,
    enrollmentSeconds: 3,
    logLevel: 'error',
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

test('no request that the document suggests, or nearly suggests, is a defect', async () => {
  const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as Document;
  const requests = requestsOf(callsOf(document), { ids: IDS, speech: SPEECH, recordings: OTHERS });
  const sender = senderTo(service.url, { key: service.key });
  const accepted = new Set<string>();
  try {
    await service.postJson('/v1/speakers', { id: 'ada' });
    await service.postForm('/v1/speakers/ada/enrollments', [['audio', SPEECH[0]!]]);
    const end = performance.now() + LONGEST_RUN;
    for (let index = 0; index < REQUESTS && performance.now() < end; index++) {
      const sent = nth(requests, SEED, index);
      const answer = await sender.send(sent).catch((error: unknown) => {
        if (!isUnsendable(error)) throw error;
      });
      if (!answer) continue;
      const faults = faultsOf(sent, answer);
      if (faults.length > 0) throw new Error(`request ${index}, ${sent.method} ${sent.path}: ${faults.join('; ')}`);
      if (sent.call && answer.status < 300) accepted.add(sent.call.operation.operationId);
    }
  } finally {
    sender.close();
  }
  expect(service.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  expect(await service.uploads()).toEqual([]);
  // It is no test when nothing gets past the first check.
  expect(accepted.size).toBeGreaterThanOrEqual(15);
}, 120_000);
