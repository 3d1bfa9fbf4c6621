import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buildProfile, type Profile } from '../../src/service/records/profile.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import type { Speaker } from '../../src/service/records/speaker.js';
import type { StoredVoice } from '../../src/service/records/profile.repository.js';
import { enrollment, ORIGIN, speaker, temporaryFolder } from './voices.js';

let remove: () => Promise<void>;
let database: Database;
let store: TypeOrmUnitOfWork;

beforeEach(async () => {
  const temporary = await temporaryFolder();
  remove = temporary.remove;
  database = await Database.open({ folder: temporary.folder });
  store = new TypeOrmUnitOfWork(database);
});

afterEach(async () => {
  await database.close();
  await remove();
});

const POLICY = { requiredSpeechSeconds: 20, outlierCosine: 0.25 };

function profile(speakerId: string, recordings: number, origin = ORIGIN): Profile {
  const inputs = Array.from({ length: recordings }, (_, i) => {
    const { id, embedding, measures } = enrollment(speakerId, 'x'.repeat(i + 1));
    return { enrollmentId: id, embedding, speechSeconds: measures.speechSeconds };
  });
  return buildProfile(speakerId, origin, inputs, POLICY, new Date(3_000));
}

describe('speakers', () => {
  it('come back as they were stored, in any script', async () => {
    const names = ['Zoë', '王秀英', `Robert'); DROP TABLE speakers;--`, '👩🏽‍🚀', 'a/../../b'];
    await store.transaction(async ({ speakers }) => {
      for (const [i, name] of names.entries()) await speakers.insert({ ...speaker(`id-${i}`), name });
    });
    const found = await store.read(({ speakers }) => speakers.page(null, 10));
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(found[0]).toEqual({ ...speaker('id-0'), name: 'Zoë', subject: expect.any(String) });
  });

  it('are refused twice under one id', async () => {
    const insert = (): Promise<void> => store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    await insert();
    await expect(insert()).rejects.toMatchObject({ code: 'SPEAKER_EXISTS' });
  });

  it('are listed once each over pages, whatever their times', async () => {
    const ids = Array.from({ length: 23 }, (_, i) => `s${String(i).padStart(2, '0')}`);
    await store.transaction(async ({ speakers }) => {
      for (const [i, id] of ids.entries()) await speakers.insert(speaker(id, 1_000 + Math.floor(i / 7)));
    });
    const listed: string[] = [];
    let after: Speaker | null = null;
    for (;;) {
      const page: Speaker[] = await store.read(({ speakers }) => speakers.page(after, 5));
      listed.push(...page.map(({ id }) => id));
      if (page.length < 5) break;
      after = page.at(-1)!;
    }
    expect(listed).toEqual(ids);
    expect(await store.read(({ speakers }) => speakers.count())).toBe(23);
  });

  it('are not changed by who read an older version', async () => {
    await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    const change = (version: number, name: string): Promise<unknown> =>
      store.transaction(({ speakers }) => speakers.update({ ...speaker('ada'), version, name }));
    await expect(change(1, 'first')).resolves.toMatchObject({ version: 2, name: 'first' });
    await expect(change(1, 'late')).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.read(({ speakers }) => speakers.find('ada'))).resolves.toMatchObject({ name: 'first' });
  });
});

describe('enrolments and profiles', () => {
  beforeEach(async () => {
    await store.transaction(async ({ speakers }) => {
      for (const id of ['ada', 'bob']) await speakers.insert(speaker(id));
    });
  });

  it('come back to the bit', async () => {
    const one = enrollment('ada', 'a', {
      verdict: { accepted: false, reasons: ['TOO_NOISY', 'CLIPPED'], quality: 'POOR' },
      fileName: null,
    });
    one.measures.snrDb = null;
    const made = profile('ada', 3);
    await store.transaction(async ({ enrollments, profiles }) => {
      await enrollments.insert(one);
      await profiles.put(made);
    });
    await store.read(async ({ enrollments, profiles }) => {
      const { embedding, ...rest } = one;
      expect(await enrollments.find('ada', one.id)).toEqual(rest);
      expect(await enrollments.embedding('ada', one.id)).toEqual(embedding);
      expect(await enrollments.find('bob', one.id)).toBeNull();
      expect(await profiles.find('ada', ORIGIN)).toEqual(made);
    });
  });

  it('are kept apart by model and front end', async () => {
    const other = { ...ORIGIN, frontEnd: 'kaldi-ba9876543210' };
    const here = enrollment('ada', 'a');
    const there = enrollment('ada', 'a', { origin: other, createdAt: new Date(2_001) });
    await store.transaction(async ({ enrollments, profiles }) => {
      for (const one of [here, there]) await enrollments.insert(one);
      await profiles.put(profile('ada', 1, other));
    });
    await store.read(async ({ enrollments, profiles }) => {
      expect(await enrollments.withEmbeddings('ada', null, 1000)).toEqual([here, there]);
      expect(await enrollments.ofOrigin('ada', ORIGIN)).toEqual({ enrollments: [here], total: 1 });
      expect((await enrollments.findByContent('ada', other, here.contentSha256))?.id).toBe(there.id);
      expect(await enrollments.findByContent('bob', ORIGIN, here.contentSha256)).toBeNull();
      const { embedding, measures } = here;
      expect(await enrollments.heardBefore(ORIGIN, here.contentSha256)).toMatchObject({ embedding, measures });
      expect(await profiles.find('ada', ORIGIN)).toBeNull();
      expect(await profiles.origins('ada')).toEqual([other]);
    });
  });

  it('are listed in the order of their upload, though their times are the same', async () => {
    const created = Array.from({ length: 8 }, (_, i) => enrollment('ada', `take ${i}`, { createdAt: new Date(5_000) }));
    const older = enrollment('ada', 'older', { createdAt: new Date(4_000) });
    await store.transaction(async ({ enrollments }) => {
      for (const one of [...created, older]) await enrollments.insert(one);
    });
    const { enrollments: listed } = await store.read(({ enrollments }) => enrollments.ofOrigin('ada', ORIGIN));
    expect(listed.map(({ id }) => id)).toEqual([older, ...created].map(({ id }) => id));
  });

  it('are one for each speaker, file and model, and the first one stays', async () => {
    const [first, again] = [enrollment('ada', 'a'), enrollment('ada', 'a', { id: 'again', fileName: 'again.wav' })];
    await store.transaction(async ({ enrollments }) => {
      expect(await enrollments.insert(first)).toBe(true);
      expect(await enrollments.insert(again)).toBe(false);
    });
    expect(await store.read(({ enrollments }) => enrollments.withEmbeddings('ada', null, 1000))).toEqual([first]);
  });

  it('replace the profile before', async () => {
    await store.transaction(async ({ profiles }) => {
      await profiles.put(profile('ada', 1));
      await profiles.put(profile('ada', 4));
    });
    const found = await store.read(({ profiles }) => profiles.states(['ada', 'bob'], ORIGIN));
    expect(found).toHaveLength(1);
    expect(found[0]!.members).toHaveLength(4);
    await store.transaction(({ profiles }) => profiles.delete('ada', ORIGIN));
    expect(await store.read(({ profiles }) => profiles.find('ada', ORIGIN))).toBeNull();
  });

  it('are read for the gallery in batches, the enrolled only, and none stops another that cannot be read', async () => {
    await store.transaction(async ({ speakers, profiles }) => {
      for (let i = 0; i < 7; i++) {
        await speakers.insert(speaker(`s${i}`));
        await profiles.put(profile(`s${i}`, i === 3 ? 1 : 3));
      }
    });
    await store.transaction(async ({ speakers }) => {
      const found = (await speakers.find('s2'))!;
      await speakers.update({ ...found, optedOutAt: new Date() });
    });
    await database.query((manager) => manager.query(`UPDATE profiles SET centroid = x'00' WHERE speaker_id = 's4'`));
    const batch = (after: string | null): Promise<StoredVoice[]> =>
      store.read(({ profiles }) => profiles.voices(ORIGIN, after, 3));
    expect((await batch(null)).map(({ speakerId }) => speakerId)).toEqual(['s0', 's1', 's4']);
    expect((await batch(null)).map((voice) => 'error' in voice)).toEqual([false, false, true]);
    expect((await batch('s4')).map(({ speakerId }) => speakerId)).toEqual(['s5', 's6']);
  });

  it('need a speaker', async () => {
    await expect(store.transaction(({ enrollments }) => enrollments.insert(enrollment('nobody', 'a')))).rejects.toThrow(
      /FOREIGN KEY/,
    );
  });

  it('go with their speaker', async () => {
    await store.transaction(async ({ enrollments, profiles }) => {
      await enrollments.insert(enrollment('ada', 'a'));
      await profiles.put(profile('ada', 1));
    });
    await store.transaction(async ({ speakers, enrollments, profiles }) => {
      expect(await speakers.erase('ada')).toEqual({
        enrollments: 1,
        profiles: 1,
        consents: 0,
        groups: 0,
        metadata: 0,
        ledgerEntries: 0,
        waitingVerifications: 0,
        recordings: 0,
        conversations: 0,
        unknownVoices: 0,
      });
      expect(await speakers.erase('ada')).toBeNull();
      expect(await enrollments.withEmbeddings('ada', null, 1000)).toEqual([]);
      expect(await profiles.origins('ada')).toEqual([]);
    });
  });
});
