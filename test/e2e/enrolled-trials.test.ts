import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { enrolledTrialsView, type EnrolledTrialsView } from '../../src/service/calibrations/calibrations.dto.js';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { STORAGE } from '../../src/service/persistence/persistence.module.js';
import type { ExemplarKind, SetAside } from '../../src/service/records/enrollment.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { TestService, Workshop } from './support.js';

type Answer = Awaited<ReturnType<TestService['call']>>;

const PATH = '/v1/calibrations/trials';
const RECORDINGS = 3;

let workshop: Workshop;
let bundle: string;
let service: TestService;
let model: { name: string; embeddingDim: number };
const dataDir = (): string => workshop.path('data');

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  await start();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

async function start(settings: object = {}): Promise<void> {
  service = await TestService.start(workshop, { model: bundle, dataDir: dataDir(), enrollmentSeconds: 8, ...settings });
  await service.service.ready();
  ({ model } = (await service.call('/v1/info')).body as { model: typeof model });
}

const random = seededUniform(1);
const noise = (): number[] => Array.from({ length: model.embeddingDim }, () => random() - 0.5);
/** Of a voice, three times as far from 0 as they are apart. */
const take = (voice: readonly number[]): number[] => noise().map((x, i) => x + 3 * voice[i]!);

/** The vectors of each person, and the ids of their enrolments. */
const vectors = new Map<string, { vector: number[]; speechSeconds: number }[]>();
const enrolments = new Map<string, string[]>();

async function bring(id: string, given: { vector: number[]; speechSeconds: number }[]): Promise<void> {
  const made = await service.postJson('/v1/speakers', { id });
  expect([201, 409]).toContain(made.status);
  const body = { vectors: given.map((one) => ({ ...one, model: model.name })) };
  const answer = await service.postJson(`/v1/speakers/${id}/vectors`, body);
  expect(answer).toMatchObject({ status: 201 });
  const { results } = answer.body as { results: { enrollmentId: string }[] };
  vectors.set(id, [...(vectors.get(id) ?? []), ...given]);
  enrolments.set(id, [...(enrolments.get(id) ?? []), ...results.map(({ enrollmentId }) => enrollmentId)]);
}

const change = (id: string, changes: { kind?: ExemplarKind; setAside?: SetAside }): Promise<void> =>
  service.service.app
    .get(UnitOfWork, { strict: false })
    .transaction(({ enrollments }) => enrollments.change(id, [enrolments.get(id)!.at(-1)!], changes));

const trialsOf = async (query = ''): Promise<EnrolledTrialsView> => {
  const { status, body } = await service.call(`${PATH}${query}`);
  expect({ status, body: status === 200 ? null : body }).toEqual({ status: 200, body: null });
  return enrolledTrialsView.strict().parse(body);
};

const compared = async (): Promise<number> => {
  const { body } = await service.call('/v1/audit?limit=1000');
  const { entries } = body as { entries: { action: string; subject: string | null; object: string | null }[] };
  const found = entries.filter(({ action }) => action === 'enrollments.compared');
  for (const entry of found) expect(entry).toMatchObject({ subject: null, object: null, by: expect.any(String) });
  return found.length;
};

describe('trials of people who are enrolled', () => {
  test('are none where nobody is, and no entry of the trail either', async () => {
    expect(await service.call(PATH)).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    expect(await compared()).toBe(0);
  });

  test('are scores without a vector, a name or an id, of recordings that count, and an entry of the trail', async () => {
    for (let person = 0; person < 12; person++) {
      const voice = noise();
      const own = Array.from({ length: RECORDINGS }, () => ({ vector: take(voice), speechSeconds: 4 }));
      await bring(`person-${person}`, own);
    }
    const answer = await service.call(PATH);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const found = enrolledTrialsView.strict().parse(answer.body);
    expect(found).toMatchObject({ model: model.name, people: 12, recordings: 36, drawn: false, unreadable: 0 });
    const { trials } = found;
    const lengths = new Set(Object.values(trials).map(({ length }) => length));
    expect([...lengths]).toEqual([36 * 21]);
    expect(trials.labels.filter((label) => label === 1)).toHaveLength(36);
    for (const [i, label] of trials.labels.entries()) {
      expect(trials.enrolmentSpeakers[i] === trials.testSpeakers[i]).toBe(label === 1);
    }
    expect(new Set(trials.recordings)).toEqual(new Set([RECORDINGS - 1]));
    expect(new Set(trials.enrolmentSeconds)).toEqual(new Set([4 * (RECORDINGS - 1)]));
    // The cosine of each recording with the mean of its speaker's others, by hand.
    const expected = [...vectors.values()].flatMap((own) =>
      own.map(({ vector }, at) => cosine(vector, meanOf(own.filter((_, i) => i !== at).map((one) => one.vector)))),
    );
    const targets = trials.scores.filter((_, i) => trials.labels[i] === 1);
    const sorted = (list: number[]): number[] => [...list].sort((a, b) => a - b);
    for (const [i, score] of sorted(targets).entries()) expect(score).toBeCloseTo(sorted(expected)[i]!, 5);
    const text = JSON.stringify(answer.body);
    for (const [id, own] of vectors) {
      expect(text).not.toContain(id);
      for (const enrolment of enrolments.get(id)!) expect(text).not.toContain(enrolment);
      for (const { vector } of own) expect(text).not.toContain(String(Math.fround(vector[0]!)).slice(0, 10));
    }
    expect(await compared()).toBe(1);
    expect(await trialsOf()).toEqual(found);
    expect(await compared()).toBe(2);
  }, 60_000);

  test('leave out who has opted out, and what was learned by evidence, set aside, not accepted or an outlier', async () => {
    const usual = await trialsOf();
    const more = async (id: string, vector: number[], speechSeconds = 4): Promise<void> => {
      await bring(id, [{ vector, speechSeconds }]);
    };
    const likeBefore = (id: string): number[] => vectors.get(id)![0]!.vector.map((x) => x + 0.01 * random());
    await more('person-1', likeBefore('person-1'), 0.1);
    await more('person-2', noise());
    const { body } = await service.call('/v1/speakers/person-2/enrollments');
    const { enrollments } = body as { enrollments: { outlier: boolean }[] };
    expect(enrollments.filter(({ outlier }) => outlier)).toHaveLength(1);
    await more('person-3', likeBefore('person-3'));
    await change('person-3', { kind: 'learned' });
    await more('person-4', likeBefore('person-4'));
    await change('person-4', { setAside: 'replaced' });
    expect(await trialsOf()).toEqual(usual);
    await more('person-5', likeBefore('person-5'));
    await change('person-5', { kind: 'confirmed' });
    expect(await trialsOf()).toMatchObject({ people: 12, recordings: 37 });
    const withdrawn = await service.call('/v1/speakers/person-5/consent', { method: 'DELETE' });
    expect(withdrawn.status).toBeLessThan(300);
    expect(await trialsOf()).toMatchObject({ people: 11, recordings: 33 });
  }, 60_000);

  test('are of people who were drawn where there are more, the same each time, and of none too often', async () => {
    const some = await trialsOf('?recordings=40');
    expect(some).toMatchObject({ people: 11, recordings: 2 * 11, drawn: true });
    expect(await trialsOf('?recordings=40')).toEqual(some);
    for (let person = 0; person < 20; person++) {
      const voice = noise();
      await bring(
        `more-${person}`,
        [0, 1].map(() => ({ vector: take(voice), speechSeconds: 4 })),
      );
    }
    const drawn = await trialsOf('?recordings=40');
    expect(drawn).toMatchObject({ people: 20, recordings: 40, drawn: true });
    for (const recordings of ['39', '2001', '40.5', 'all']) {
      expect(await service.call(`${PATH}?recordings=${recordings}`)).toMatchObject({ status: 400 });
    }
    expect(await trialsOf()).toMatchObject({ people: 31, recordings: 33 + 40, drawn: false });
  }, 60_000);

  test('are for admin alone, and for nobody who is bound to groups', async () => {
    const before = await compared();
    expect(await service.postJson('/v1/groups', { id: 'home' })).toMatchObject({ status: 201 });
    const ask = async (scopes: string[], groups?: string[]): Promise<Answer> => {
      const { body } = await service.postJson('/v1/keys', { name: scopes.join(' '), scopes, groups });
      return service.call(PATH, { headers: { authorization: `Bearer ${(body as { key: string }).key}` } });
    };
    expect(await ask(['read', 'enrol'])).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } });
    expect(await ask(['admin'], ['home'])).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_GROUP' } });
    expect(await compared()).toBe(before);
    expect(await ask(['admin'])).toMatchObject({ status: 200 });
    expect(await compared()).toBe(before + 1);
  });

  test('leave out whose records were changed by another program, and say how many those are', async () => {
    const { people, recordings } = await trialsOf();
    const id = enrolments.get('more-0')![0]!;
    const { store } = service.service.app.get<Storage>(STORAGE, { strict: false });
    await store.query((manager) =>
      manager.query(`UPDATE enrollments SET embedding = substr(embedding, 1, 40) WHERE id = '${id}'`),
    );
    expect(await trialsOf()).toMatchObject({ people: people - 1, recordings: recordings - 2, unreadable: 1 });
    expect(service.log.filter(({ msg }) => String(msg).includes('somebody is not compared'))).toHaveLength(1);
  });

  test('leave out who has not consented once that is required', async () => {
    await service.close();
    await start({ consent: 'required' });
    expect(await service.call(PATH)).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    for (const id of ['more-1', 'more-2']) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ method: 'form', textVersion: '1' });
      const given = await service.call(`/v1/speakers/${id}/consent`, { method: 'PUT', headers, body });
      expect(given.status).toBeLessThan(300);
    }
    expect(await trialsOf()).toMatchObject({ people: 2, recordings: 4 });
  }, 60_000);

  test('are told while no model is loaded, of the one that was loaded last', async () => {
    const { people } = await trialsOf();
    await service.close();
    const settings = { model: 'nowhere', dataDir: dataDir(), consent: 'required' } as const;
    service = await TestService.start(workshop, settings);
    expect((await service.call('/health/ready')).status).toBe(503);
    expect(await trialsOf()).toMatchObject({ model: model.name, people });
  });
});

test('While no model was ever loaded there are no trials.', async () => {
  const idle = await TestService.start(workshop, { model: 'nowhere', dataDir: workshop.path(randomUUID()) });
  expect(await idle.call(PATH)).toMatchObject({ status: 503, body: { code: 'MODEL_NOT_READY' } });
  await idle.close();
});

function meanOf(list: readonly (readonly number[])[]): number[] {
  const units = list.map((vector) => vector.map((x) => x / Math.hypot(...vector)));
  return units[0]!.map((_, d) => units.reduce((sum, unit) => sum + unit[d]!, 0));
}

function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
}
