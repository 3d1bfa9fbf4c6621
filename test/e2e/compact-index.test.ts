import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spoken, TestService, Workshop } from './support.js';

const PEOPLE = [
  ['ada', 'm1'],
  ['bob', 'f2'],
  ['cy', 'm3'],
] as const;

let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open();
});

afterAll(() => workshop.remove());

/** What a service that searches so says of a recording and of itself. */
async function answersOf(vectorIndex: 'native' | 'compact', prepare?: (service: TestService) => Promise<void>) {
  const service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    dataDir: workshop.path('data'),
    vectorIndex,
    enrollmentSeconds: 8,
    minSpeechSeconds: 1,
  });
  try {
    await service.service.ready();
    await prepare?.(service);
    const { status, body } = await service.postForm('/v1/identify', [['audio', spoken('m1', 2)]]);
    expect(status).toBe(200);
    const { ranking, decision } = body as { ranking: unknown[]; decision: string };
    const { body: info } = await service.call('/v1/info');
    const { body: health } = await service.call('/health/ready');
    return { ranking, decision, info, health };
  } finally {
    await service.close();
  }
}

describe('a service whose vectors are rounded in memory', () => {
  it('answers as one does that has them as they are, to the last bit, and says so', async () => {
    const exact = await answersOf('native', async (service) => {
      for (const [id, voice] of PEOPLE) {
        expect((await service.postJson('/v1/speakers', { id })).status).toBe(201);
        const files = [0, 1].map((at) => ['audio', spoken(voice, at as 0 | 1), `${at}.wav`] as const);
        expect((await service.postForm(`/v1/speakers/${id}/enrollments`, files)).status).toBe(201);
      }
    });
    expect(exact.ranking).toHaveLength(PEOPLE.length);
    const rounded = await answersOf('compact');
    expect(rounded.ranking).toEqual(exact.ranking);
    expect(rounded.decision).toBe(exact.decision);
    expect(rounded.info).toMatchObject({ voiceIndex: { kind: 'compact', approximate: null } });
    expect(rounded.health).toMatchObject({ info: { gallery: { setAside: 0, search: 'exact' } } });
  });
});
