import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cosine } from '../../src/addon/cosine.js';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { ask } from '../../src/service/persistence/common/dialect.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import type { EmbeddingOrigin } from '../../src/service/records/embedding.js';
import { newGroup, type Group } from '../../src/service/records/group.js';
import type { Profile } from '../../src/service/records/profile.js';
import type { Speaker } from '../../src/service/records/speaker.js';
import type { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import type { Among, IndexedVoice, VoiceIndex } from '../../src/service/voices/voice-index.js';
import { speaker } from './voices.js';

const DIMENSION = 32;

/** What an adapter of the port brings: an index on a database that nothing is in yet. */
export interface IndexAdapter {
  store: UnitOfWork;
  /** The same database, for what no service does. */
  database: Store;
  /** Another index on it, as another node has it, for vectors of this length. */
  index: (origin: EmbeddingOrigin, dimension: number) => Promise<VoiceIndex>;
  close: () => Promise<void>;
}

const MODEL: EmbeddingOrigin = { model: 'one@0123456789ab', frontEnd: 'kaldi-0123456789ab' };
const OTHER: EmbeddingOrigin = { model: 'two@0123456789ab', frontEnd: 'kaldi-0123456789ab' };

const random = seededUniform(11);

function direction(): Float32Array {
  const drawn = Float32Array.from({ length: DIMENSION }, () => random() + random() - 1);
  const length = Math.hypot(...drawn);
  return drawn.map((value) => value / length);
}

/** What every index of voices promises, wherever it has them. */
export function describeVoiceIndex(name: string, open: () => Promise<IndexAdapter>): void {
  let adapter: IndexAdapter;
  let index: VoiceIndex;
  const home = newGroup({ id: 'home' }, new Date(1000));
  const work = newGroup({ id: 'work' }, new Date(2000));

  beforeEach(async () => {
    adapter = await open();
    index = await adapter.index(MODEL, DIMENSION);
    await adapter.store.transaction(async ({ groups }) => {
      for (const group of [home, work]) await groups.insert(group);
    });
  });

  afterEach(() => adapter.close());

  const profile = (speakerId: string, centroid: Float32Array, more: Partial<Profile> = {}): Profile => ({
    speakerId,
    origin: MODEL,
    centroid,
    members: [{ enrollmentId: 'one', agreement: null, outlier: false }],
    speechSeconds: 30,
    cohesion: null,
    confidence: 0.5,
    status: 'Enrolled',
    updatedAt: new Date(3000),
    ...more,
  });

  /** Somebody who is enrolled. */
  async function enrol(id: string, centroid: Float32Array, groups: readonly Group[] = []): Promise<void> {
    await adapter.store.transaction(async ({ speakers, profiles }) => {
      await speakers.insert({ ...speaker(id), groups });
      await profiles.put(profile(id, centroid));
    });
  }

  const change = (id: string, changes: Partial<Speaker>): Promise<unknown> =>
    adapter.store.transaction(async ({ speakers }) => speakers.update({ ...(await speakers.find(id))!, ...changes }));

  const found = async (query: Float32Array, count = 10, among?: Among): Promise<string[]> =>
    (await index.search(query, count, among)).map(({ speakerId }) => speakerId);

  const everybody = async (among?: Among): Promise<IndexedVoice[]> => {
    const voices: IndexedVoice[] = [];
    for await (const voice of index.voices(among)) voices.push(voice);
    return voices;
  };

  const idsOf = (voices: readonly IndexedVoice[]): string[] => voices.map(({ speakerId }) => speakerId).sort();

  describe(`voices on ${name}`, () => {
    it('are found in the order of their exact cosines, with these', async () => {
      const voices = new Map<string, Float32Array>();
      // Some who are so near to each other that rounded vectors would not tell them apart.
      const one = direction();
      for (let i = 0; i < 120; i++) {
        const id = `person-${String(i).padStart(3, '0')}`;
        const way = direction();
        voices.set(id, i % 3 === 0 ? one.map((value, at) => value + way[at]! * 0.1 * random()) : way);
      }
      for (const [id, centroid] of voices) await enrol(id, centroid);
      for (const query of [one, direction(), direction(), voices.get('person-007')!]) {
        const expected = [...voices]
          .map(([id, centroid]) => ({ id, cosine: cosine(query, centroid) }))
          .sort((a, b) => b.cosine - a.cosine);
        for (const count of [1, 2, 7, 50, 200]) {
          const matches = await index.search(query, count);
          expect(matches.map(({ speakerId }) => speakerId)).toEqual(expected.slice(0, count).map(({ id }) => id));
          for (const [i, match] of matches.entries()) expect(match.cosine).toBeCloseTo(expected[i]!.cosine, 5);
        }
      }
      expect(await index.countOf({})).toBe(120);
      expect(index.report).toMatchObject({ voices: 120, setAside: 0, missing: 0, approximate: null });
    }, 120_000);

    it('come with what is known of them', async () => {
      const [ada, bob] = [direction(), direction()];
      await enrol('ada', ada, [home, work]);
      await adapter.store.transaction(async ({ speakers, profiles }) => {
        await speakers.insert(speaker('bob'));
        const members = [0, 1, 2].map((i) => ({ enrollmentId: `${i}`, agreement: 0.5, outlier: i === 1 }));
        await profiles.put(profile('bob', bob, { members, speechSeconds: 12.5 }));
      });
      const [first, second] = await index.search(ada, 2);
      expect(first).toMatchObject({ speakerId: 'ada', speechSeconds: 30, recordings: 1, consented: false });
      expect([...first!.groups].sort()).toEqual([home.uid, work.uid].sort());
      expect(second).toMatchObject({ speakerId: 'bob', speechSeconds: 12.5, recordings: 2, groups: [] });
      expect(cosine(first!.centroid, ada)).toBeCloseTo(1, 6);
      const { cosine: _, ...plain } = second!;
      expect((await everybody()).find(({ speakerId }) => speakerId === 'bob')).toEqual(plain);
    });

    it('are searched, counted and told of among groups and candidates alone', async () => {
      const query = direction();
      await enrol('ada', direction(), [home]);
      await enrol('bob', direction(), [home, work]);
      await enrol('cy', direction(), [work]);
      await enrol('dee', direction());
      const cases: [Among, string[]][] = [
        [{}, ['ada', 'bob', 'cy', 'dee']],
        [{ groups: [home.uid] }, ['ada', 'bob']],
        [{ groups: [home.uid, work.uid] }, ['ada', 'bob', 'cy']],
        [{ groups: [] }, []],
        [{ groups: ['no group'] }, []],
        [{ candidates: ['ada', 'dee', 'nobody'] }, ['ada', 'dee']],
        [{ candidates: ['ada', 'cy', 'dee'], groups: [work.uid] }, ['cy']],
        [{ candidates: [] }, []],
      ];
      await index.ready();
      for (const [among, expected] of cases) {
        expect((await found(query, 10, among)).sort()).toEqual(expected);
        expect(await index.countOf(among)).toBe(expected.length);
        expect(idsOf(await everybody(among))).toEqual(expected);
      }
      const [nearest] = await found(query, 1, { groups: [home.uid, work.uid] });
      const all = await found(query, 10, { groups: [home.uid, work.uid] });
      expect(nearest).toBe(all[0]);
      const others = await index.nearestOthers(query, (await index.search(query, 1))[0]!.subject, 10);
      expect(others.map(({ speakerId }) => speakerId)).toEqual((await found(query)).slice(1));
    });

    it('are found as soon as they are enrolled, as they are now, and by every node', async () => {
      const query = direction();
      expect(await found(query)).toEqual([]);
      expect(await index.countOf({})).toBe(0);
      await enrol('ada', query);
      expect((await index.search(query, 1))[0]).toMatchObject({ speakerId: 'ada', cosine: expect.closeTo(1, 5) });
      await adapter.store.transaction(({ profiles }) =>
        profiles.put(
          profile(
            'ada',
            query.map((value) => -value),
          ),
        ),
      );
      expect((await index.search(query, 1))[0]).toMatchObject({ speakerId: 'ada', cosine: expect.closeTo(-1, 5) });
      const node = await adapter.index(MODEL, DIMENSION);
      expect((await node.search(query, 1))[0]).toMatchObject({ speakerId: 'ada', cosine: expect.closeTo(-1, 5) });
      await enrol('bob', direction());
      for (const one of [node, index]) {
        expect((await one.search(query, 5)).map(({ speakerId }) => speakerId).sort()).toEqual(['ada', 'bob']);
        await one.ready();
        expect(await one.countOf({})).toBe(2);
      }
    });

    it('are not found once they are erased, have opted out, or have no profile, and are again when they come back', async () => {
      const query = direction();
      for (const id of ['ada', 'bob', 'cy', 'dee', 'eve']) await enrol(id, direction(), [home]);
      const left = async (...expected: string[]): Promise<void> => {
        expect((await found(query)).sort()).toEqual(expected);
        for (const among of [{}, { groups: [home.uid] }]) {
          expect((await found(query, 10, among)).sort()).toEqual(expected);
          expect(await index.countOf(among)).toBe(expected.length);
          expect(idsOf(await everybody(among))).toEqual(expected);
        }
      };
      await left('ada', 'bob', 'cy', 'dee', 'eve');
      await adapter.store.transaction(({ speakers }) => speakers.erase('ada'));
      await left('bob', 'cy', 'dee', 'eve');
      await change('bob', { optedOutAt: new Date() });
      await left('cy', 'dee', 'eve');
      await adapter.store.transaction(({ profiles }) => profiles.delete('cy', MODEL));
      await left('dee', 'eve');
      const enrolling = profile('dee', direction(), { status: 'Enrolling' });
      await adapter.store.transaction(({ profiles }) => profiles.put(enrolling));
      await left('eve');
      await change('bob', { optedOutAt: null });
      await adapter.store.transaction(({ profiles }) => profiles.put({ ...enrolling, status: 'Enrolled' }));
      await enrol('ada', direction(), [home]);
      await left('ada', 'bob', 'dee', 'eve');
    });

    it('follow who joins a group, and who leaves it', async () => {
      const query = direction();
      await enrol('ada', direction());
      await enrol('bob', direction(), [home]);
      expect(await found(query, 10, { groups: [home.uid] })).toEqual(['bob']);
      await change('ada', { groups: [home, work] });
      await change('bob', { groups: [work] });
      expect(await found(query, 10, { groups: [home.uid] })).toEqual(['ada']);
      expect((await found(query, 10, { groups: [work.uid] })).sort()).toEqual(['ada', 'bob']);
      expect(await index.countOf({ groups: [home.uid] })).toBe(1);
      expect(await index.countOf({ groups: [work.uid] })).toBe(2);
    });

    it('of another model meet none of this one', async () => {
      const query = direction();
      const other = await adapter.index(OTHER, 8);
      const short = query.subarray(0, 8);
      await enrol('ada', query);
      await adapter.store.transaction(async ({ speakers, profiles }) => {
        await speakers.insert(speaker('bob'));
        await profiles.put(profile('bob', short, { origin: OTHER }));
      });
      expect(await found(query)).toEqual(['ada']);
      expect((await other.search(short, 5)).map(({ speakerId }) => speakerId)).toEqual(['bob']);
      expect([await index.countOf({}), await other.countOf({})]).toEqual([1, 1]);
      await adapter.store.transaction(({ profiles }) => profiles.delete('bob', OTHER));
      expect(await found(query)).toEqual(['ada']);
      expect(await other.search(short, 5)).toEqual([]);
    });

    it('that cannot be read are set aside, and found when they are written anew', async () => {
      const query = direction();
      await enrol('ada', query, [home]);
      await enrol('bob', direction());
      expect(await found(query)).toEqual(['ada', 'bob']);
      await adapter.database.query((manager) =>
        ask(manager, 'UPDATE profiles SET centroid = ? WHERE speaker_id = ?', [Buffer.from('no vector'), 'ada']),
      );
      // Another program tells nobody what it has changed: what the service does next is seen.
      await change('ada', { name: 'Ada' });
      expect(await found(query)).toEqual(['bob']);
      expect(await index.countOf({})).toBe(1);
      expect(await index.countOf({ groups: [home.uid] })).toBe(0);
      expect(index.report).toMatchObject({ voices: 1, setAside: 1, missing: 0 });
      await adapter.store.transaction(({ profiles }) => profiles.put(profile('ada', query)));
      expect(await found(query, 1)).toEqual(['ada']);
      expect(index.report).toMatchObject({ voices: 2, setAside: 0 });
    });

    it('stay as they are for who is told of them one after the other, without those who go meanwhile', async () => {
      for (const id of ['ada', 'bob', 'cy']) await enrol(id, direction());
      await index.ready();
      const seen: string[] = [];
      for await (const { speakerId } of index.voices()) seen.push(speakerId);
      expect(seen.sort()).toEqual(['ada', 'bob', 'cy']);
    });
  });
}
