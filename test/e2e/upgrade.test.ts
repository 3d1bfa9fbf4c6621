import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { timbre } from '../cli/support.js';
import { databaseEnv, onFiles } from '../integration/stores.js';
import { copyFixture } from '../integration/voices.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { spoken, TestService, Workshop } from './support.js';

/** A newer package beside a data folder: its bundle has the name of the old one, and is another. */

let workshop: Workshop;
/** Names that the two bundles give to embeddings. */
let [old, newer] = ['', ''];
let recording: Buffer;

beforeAll(async () => {
  workshop = await Workshop.open();
  recording = spoken('f2', 0);
});

afterAll(() => workshop.remove());

/** Puts a bundle called `voice` where the service looks for it. */
async function install(family: 'speechbrain' | 'wespeaker'): Promise<void> {
  await workshop.bundle('voice', family);
  await rename(workshop.path('voice.pt'), workshop.path('installed', 'voice.pt'));
}

async function withService<T>(
  dataDir: string,
  work: (service: TestService) => Promise<T>,
  more: ConfigInput = {},
): Promise<T> {
  const settings = { model: 'voice', modelCacheDir: workshop.path('installed'), dataDir, enrollmentSeconds: 1 };
  const service = await TestService.start(workshop, { ...settings, ...more });
  try {
    await service.service.ready();
    return await work(service);
  } finally {
    await service.close();
  }
}

interface Verified {
  status: number;
  body: { score?: { cosine: number } | null; model?: string; code?: string };
}

const verify = (service: TestService): Promise<Verified> =>
  service.postForm('/v1/speakers/ada/verify', [['audio', recording]]) as Promise<Verified>;

const enrol = (service: TestService): Promise<{ status: number }> =>
  service.postForm('/v1/speakers/ada/enrollments', [['audio', recording]]);

async function modelOf(service: TestService): Promise<string> {
  const { body } = await service.call('/v1/info');
  return (body as { model: { name: string } }).model.name;
}

const said = (service: TestService, words: string): boolean =>
  service.log.some(({ msg }) => String(msg).includes(words));

async function doctor(dataDir: string): Promise<string> {
  const env = {
    ...databaseEnv(dataDir),
    TIMBRE_DATA_DIR: dataDir,
    TIMBRE_MODEL: 'voice',
    MODEL_CACHE_DIR: workshop.path('installed'),
  };
  return (await timbre(['doctor'], { env })).stdout;
}

describe('a folder with people', () => {
  const dataDir = (): string => workshop.path('data');

  beforeAll(async () => {
    await mkdir(workshop.path('installed'));
    await install('speechbrain');
    await withService(dataDir(), async (service) => {
      old = await modelOf(service);
      expect((await service.postJson('/v1/speakers', { id: 'ada', name: 'Ada' })).status).toBe(201);
      expect((await enrol(service)).status).toBe(201);
      expect((await verify(service)).body.score?.cosine).toBeCloseTo(1, 5);
    });
    expect(await doctor(dataDir())).toMatch(new RegExp(`ok +model of the data folder +${old}\\n`));
    await install('wespeaker');
  });

  test('keeps the bundle they were made with: the service goes on with it, and says how to move', async () => {
    await withService(dataDir(), async (service) => {
      expect(await modelOf(service)).toBe(old);
      expect(await verify(service)).toMatchObject({ status: 200, body: { model: old } });
      expect((await verify(service)).body.score?.cosine).toBeCloseTo(1, 5);
      expect(said(service, `were made with ${old}, which it keeps and goes on with`)).toBe(true);
      expect(said(service, 'TIMBRE_KEEP_MODEL=off')).toBe(true);
    });
    const told = await doctor(dataDir());
    expect(told).toContain('model of the data folder');
    expect(told).toContain(`${old}; installed is voice@`);
    expect(told).toContain('TIMBRE_KEEP_MODEL=off');
  });

  test('moves when it is told to, loses nothing, and stays where it has moved', async () => {
    await withService(
      dataDir(),
      async (service) => {
        newer = await modelOf(service);
        expect(newer).toMatch(/^voice@/);
        expect(newer).not.toBe(old);
        expect(await verify(service)).toMatchObject({ status: 409, body: { code: 'MODEL_MISMATCH' } });
        expect(said(service, `were made with ${old}, and the model that is loaded is ${newer}`)).toBe(true);
        const { body } = await service.call('/v1/speakers/ada/enrollments');
        expect(body).toMatchObject({ speaker: { name: 'Ada' }, enrollments: [{ model: old }] });
        expect((await enrol(service)).status).toBe(201);
      },
      { keepModel: false },
    );
    await withService(dataDir(), async (service) => {
      expect(await modelOf(service)).toBe(newer);
      expect((await verify(service)).body).toMatchObject({ model: newer, score: { cosine: expect.closeTo(1, 5) } });
    });
    expect((await readFile(workshop.path('data', 'models', 'current'), 'utf8')).trim()).toBe(newer);
  });

  test('goes back to the old profiles with the bundle that it kept', async () => {
    const model = workshop.path('data', 'models', `${old}.pt`);
    await withService(
      dataDir(),
      async (service) => {
        expect((await verify(service)).body).toMatchObject({ model: old, score: { cosine: expect.closeTo(1, 5) } });
      },
      { model },
    );
  });

  onFiles('that kept no bundle loses nothing, and says what its people need', async () => {
    const before = workshop.path('before');
    await copyFixture(fileURLToPath(new URL('../fixtures/data-before', import.meta.url)), before);
    const expected = JSON.parse(await readFile(`${before}/expected.json`, 'utf8')) as {
      speakers: { id: string; enrollments: { model: string }[] }[];
    };
    await withService(before, async (service) => {
      const { body } = await service.call('/v1/speakers?limit=100');
      const { speakers } = body as { speakers: { id: string }[] };
      expect(speakers.map(({ id }) => id)).toEqual(expect.arrayContaining(expected.speakers.map(({ id }) => id)));
      for (const { id, enrollments } of expected.speakers) {
        const list = (await service.call(`/v1/speakers/${id}/enrollments`)).body as {
          enrollments: { model: string }[];
        };
        expect(list.enrollments.map(({ model }) => model)).toEqual(enrollments.map(({ model }) => model));
      }
      expect((await verify(service)).body.code).toBe('MODEL_MISMATCH');
      expect(said(service, 'To go on with the old one, name its bundle by TIMBRE_MODEL')).toBe(true);
    });
  });

  test('without people moves by itself', async () => {
    const empty = workshop.path('empty');
    await install('speechbrain');
    await withService(empty, async (service) => expect(await modelOf(service)).toBe(old));
    await install('wespeaker');
    await withService(empty, async (service) => {
      expect(await modelOf(service)).toBe(newer);
      expect(said(service, 'TIMBRE_KEEP_MODEL')).toBe(false);
    });
  });

  onFiles('whose bundle cannot be kept is served all the same, and the log says so', async () => {
    const folder = workshop.path('odd');
    await withService(folder, () => Promise.resolve());
    const other = workshop.path('odd-too');
    await cp(folder, other, { recursive: true });
    // A file where the folder would be.
    await rename(`${other}/models`, `${other}/models-before`);
    await writeFile(`${other}/models`, '');
    await withService(other, (service) => {
      expect(said(service, 'the bundle cannot be copied into the data folder')).toBe(true);
      return Promise.resolve();
    });
  });
});
