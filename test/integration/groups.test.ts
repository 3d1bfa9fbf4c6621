import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { actAs } from '../../src/support/actor.js';
import type { GroupRef } from '../../src/support/group-ref.js';
import { SCOPES } from '../../src/support/scopes.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { MOST_BYTES } from '../../src/service/records/metadata.js';
import { newSpeaker } from '../../src/service/records/speaker.js';
import type { SpeakerFilter } from '../../src/service/records/speaker.repository.js';
import type { GivenFilter } from '../../src/service/speakers/speakers.service.js';
import { House } from './house.js';
import { outside } from './outside.js';
import { ScriptedEngine } from './scripted-engine.js';
import { copyFixture, temporaryFolder } from './voices.js';
import { fileURLToPath } from 'node:url';

let folder: string;
let remove: () => Promise<void>;
let house: House;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  house = await House.open(folder);
});

afterEach(async () => {
  await house.close();
  await remove();
});

async function group(id: string): Promise<GroupRef> {
  const { uid } = await house.groups.create({ id });
  return { uid, id };
}

/** What a key bound to these groups does. */
const bound = <T>(groups: readonly GroupRef[], work: () => T, by = 'a key'): T =>
  actAs({ by, requestId: null, scopes: SCOPES, groups }, work);

const ids = async (filter: GivenFilter, limit = 50): Promise<string[]> => {
  const all: string[] = [];
  for (let cursor: string | undefined; ;) {
    const { voices, nextCursor } = await house.speakers.page(limit, cursor, filter);
    all.push(...voices.map(({ speaker }) => speaker.id));
    if (nextCursor === null) return all;
    cursor = nextCursor;
  }
};

const audited = async (): Promise<string[]> => {
  await house.trail.flush();
  const entries = await house.store.read(({ audit }) => audit.page({}, null, 1000));
  return entries.map(({ action }) => action);
};

describe('a group', () => {
  it('is added, renamed, listed and deleted, and the trail knows', async () => {
    const made = await house.groups.create({ id: 'household-7', name: ' Garden Street ' });
    expect(made).toMatchObject({ id: 'household-7', name: 'Garden Street', version: 1, members: 0 });
    await expect(house.groups.create({ id: 'household-7' })).rejects.toMatchObject({ code: 'GROUP_EXISTS' });
    await house.groups.create({});
    const { groups, total } = await house.groups.page(1, undefined);
    expect([groups.map(({ id }) => id), total]).toEqual([['household-7'], 2]);
    expect(await house.groups.rename('household-7', { name: null })).toMatchObject({ name: null, version: 2 });
    const late = house.groups.rename('household-7', { name: 'x', version: 1 });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    await house.groups.delete('household-7');
    await expect(house.groups.get('household-7')).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    expect((await house.groups.page(9, undefined)).total).toBe(1);
    expect(await audited()).toEqual(['group.created', 'group.created', 'group.renamed', 'group.deleted']);
  });

  it.each(['', ' ', '../x', 'a:b', 'a b', 'x'.repeat(65), 'a\u0000'])('has no id like %j', async (id) => {
    await expect(house.groups.create({ id })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('has members, who belong to any number of groups, and counts them', async () => {
    for (const id of ['a', 'b', 'c']) await group(id);
    const ada = await house.speakers.create({ id: 'ada', groups: ['b', 'a', 'b'] });
    expect(ada.groups.map(({ id }) => id)).toEqual(['a', 'b']);
    await house.groups.join('c', 'ada');
    await house.groups.join('c', 'ada');
    await house.groups.leave('a', 'ada');
    await house.groups.leave('a', 'ada');
    const { speaker } = await house.speakers.get('ada');
    expect([speaker.groups.map(({ id }) => id), speaker.version]).toEqual([['b', 'c'], 3]);
    const members = async (): Promise<number[]> =>
      (await house.groups.page(9, undefined)).groups.map((one) => one.members);
    expect(await members()).toEqual([0, 1, 1]);
    await house.speakers.update('ada', { groups: ['a'] });
    expect(await members()).toEqual([1, 0, 0]);
    await house.speakers.erase('ada');
    expect(await members()).toEqual([0, 0, 0]);
    expect((await audited()).filter((action) => action.startsWith('group.'))).toEqual([
      ...Array.from({ length: 3 }, () => 'group.created'),
      ...['group.joined', 'group.joined', 'group.joined', 'group.left'],
      ...['group.joined', 'group.left', 'group.left'],
    ]);
    await expect(house.groups.join('a', 'nobody')).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await expect(house.groups.join('nowhere', 'ada')).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    const added = house.speakers.create({ id: 'bob', groups: ['nowhere'] });
    await expect(added).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    await expect(house.speakers.get('bob')).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it('that is deleted leaves its members, and one added anew under its id has none of them', async () => {
    await group('a');
    await house.speakers.create({ id: 'ada', groups: ['a'] });
    await house.groups.delete('a');
    expect((await house.speakers.get('ada')).speaker.groups).toEqual([]);
    await group('a');
    expect([await ids({ group: 'a' }), (await house.groups.get('a')).members]).toEqual([[], 0]);
    expect((await house.speakers.get('ada')).speaker.groups).toEqual([]);
    // What the record still names goes with its next change.
    await house.speakers.update('ada', { name: 'Ada' });
    expect(await outside(folder, "SELECT member_of FROM speakers WHERE id = 'ada'")).toEqual([{ member_of: null }]);
  });
});

describe('an identification within a group', () => {
  beforeEach(async () => {
    for (const id of ['home', 'work']) await group(id);
    for (const [voice, id] of ['ada', 'bob', 'cy'].entries()) await house.enrolled(id, voice + 1);
    await house.groups.join('home', 'ada');
    await house.groups.join('home', 'bob');
    await house.groups.join('work', 'cy');
  });

  it('compares its members alone, and follows who joins, leaves and opts out', async () => {
    const home = (voice: number) => house.identify({ voice, seed: 9 }, 5, undefined, undefined, 'home');
    expect(await home(1)).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada', gallerySize: 2 });
    expect((await home(1)).ranking.map(({ speakerId }) => speakerId)).toEqual(['ada', 'bob']);
    expect(await home(3)).toMatchObject({ decision: 'REJECT', speakerId: null, gallerySize: 2 });
    await house.groups.join('home', 'cy');
    expect(await home(3)).toMatchObject({ decision: 'ACCEPT', speakerId: 'cy', gallerySize: 3 });
    await house.consent.withdraw('bob');
    expect(await home(2)).toMatchObject({ decision: 'REJECT', gallerySize: 2 });
    await house.groups.leave('home', 'cy');
    expect(await home(3)).toMatchObject({ decision: 'REJECT', gallerySize: 1 });
    await house.speakers.erase('ada');
    expect(await home(1)).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0, ranking: [] });
    expect(await house.identify({ voice: 3, seed: 8 })).toMatchObject({ speakerId: 'cy', gallerySize: 1 });
  });

  it('with candidates compares those of them who belong to it', async () => {
    const found = await house.identify({ voice: 3, seed: 9 }, 5, ['ada', 'cy'], undefined, 'home');
    expect(found).toMatchObject({ decision: 'REJECT', gallerySize: 1 });
    expect(found.ranking.map(({ speakerId }) => speakerId)).toEqual(['ada']);
  });

  it('holds after a start anew, when the gallery is built from what is stored', async () => {
    await house.close();
    house = await House.open(folder);
    const found = await house.identify({ voice: 1, seed: 9 }, 5, undefined, undefined, 'home');
    expect(found).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada', gallerySize: 2 });
  });

  it('of a group that is not there, or is deleted while the recording is heard, is GROUP_NOT_FOUND', async () => {
    const nowhere = house.identify({ voice: 1, seed: 9 }, 5, undefined, undefined, 'nowhere');
    await expect(nowhere).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    house.engine.before = () => house.groups.delete('home');
    const gone = house.identify({ voice: 1, seed: 8 }, 5, undefined, undefined, 'home');
    await expect(gone).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
  });

  it('does not name who left while the recording was heard', async () => {
    let left = false;
    house.engine.before = async () => {
      if (!left) await house.groups.leave('home', 'ada');
      left = true;
    };
    const found = await house.identify({ voice: 1, seed: 9 }, 5, undefined, undefined, 'home');
    expect(found).toMatchObject({ decision: 'REJECT', speakerId: null });
    expect(found.ranking.map(({ speakerId }) => speakerId)).toEqual(['bob']);
  });
});

it('an identification within a group has the threshold of its size, at the rate of the request', async () => {
  await house.close();
  const body: [number, number][] = [
    [0.5, -4],
    [0.1, -1],
  ];
  const impostorTail = { start: 0, share: 0.05, scale: 1, shape: 0.1, body, leastRate: 1e-4 };
  const engine = new ScriptedEngine(undefined, { impostorTail });
  house = await House.open(folder, engine);
  await group('home');
  for (let i = 1; i <= 6; i++) await house.enrolled(`s${i}`, i);
  await house.groups.join('home', 's1');
  await house.groups.join('home', 's2');
  const threshold = async (of?: string, rate = 0.01): Promise<number> => {
    const { threshold: llr, falseAcceptRate } = await house.identify({ voice: 1, seed: 9 }, 5, undefined, rate, of);
    expect(falseAcceptRate).toBe(rate);
    return llr!;
  };
  expect(await threshold('home')).toBeLessThan(await threshold());
  // Two people at 1 %: the threshold of one at 1 - sqrt(0.99).
  const two = 1 - Math.sqrt(0.99);
  await house.groups.leave('home', 's2');
  const one = await threshold('home', two);
  await house.groups.join('home', 's2');
  expect(await threshold('home')).toBeCloseTo(one, 9);
});

describe('metadata', () => {
  it('is stored in the place of what was there, and kept to its bounds', async () => {
    await house.speakers.create({ id: 'ada', metadata: { team: ' engines ', 'crm/id': '4711' } });
    expect((await house.speakers.get('ada')).speaker.metadata).toEqual({ 'crm/id': '4711', team: 'engines' });
    const { speaker } = await house.speakers.update('ada', { metadata: { team: 'looms' } });
    expect([speaker.metadata, speaker.name]).toEqual([{ team: 'looms' }, null]);
    expect(await audited()).toEqual(['speaker.created', 'speaker.described']);
    const entries = (count: number, value: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]));
    await house.speakers.update('ada', { metadata: entries(32, 'x'.repeat(200)) });
    for (const metadata of [
      entries(33, 'x'),
      entries(32, 'x'.repeat(MOST_BYTES / 32)),
      { team: 'x'.repeat(501) },
      { team: 'x'.repeat(1_000_000) },
      { ['x'.repeat(65)]: 'x' },
      { 'a b': 'x' },
      { '': 'x' },
      { _x: 'x' },
      { team: 'a\nb' },
      { team: '' },
      { 'caf\u00e9': 'x', 'cafe\u0301': 'y' },
    ]) {
      await expect(house.speakers.update('ada', { metadata })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(Object.keys((await house.speakers.get('ada')).speaker.metadata)).toHaveLength(32);
  });

  it('goes with the speaker, as groups do: the receipt counts both, the export has both', async () => {
    await group('home');
    const metadata = { team: 'engines-unheard-of', floor: '2' };
    await house.speakers.create({ id: 'ada', name: 'Ada', groups: ['home'], metadata });
    const receipt = await house.speakers.erase('ada');
    expect(receipt).toMatchObject({ groups: 1, metadata: 2 });
    expect(await ids({ metadata: 'team=engines-unheard-of' })).toEqual([]);
    expect(await outside(folder, 'SELECT * FROM speaker_terms')).toEqual([]);
    // Somebody else under the id begins with nothing.
    const { groups, metadata: none } = await house.speakers.create({ id: 'ada' });
    expect([groups, none]).toEqual([[], {}]);
  });
});

describe('a speaker put by id', () => {
  it('is added once, and changed as said after that', async () => {
    await group('home');
    const consent = { method: 'form', textVersion: '1' };
    const put = { id: 'ada', name: 'Ada', groups: ['home'], metadata: { a: '1' }, consent };
    const first = await house.speakers.put(put);
    expect(first).toMatchObject({ added: true, speaker: { name: 'Ada', metadata: { a: '1' } } });
    const again = await house.speakers.put({ id: 'ada', metadata: { b: '2' }, consent });
    expect(again).toMatchObject({ added: false, speaker: { name: 'Ada', metadata: { b: '2' } } });
    expect(again.speaker.subject).toBe(first.speaker.subject);
    expect(again.speaker.groups.map(({ id }) => id)).toEqual(['home']);
    expect((await audited()).filter((action) => action === 'consent.given')).toHaveLength(1);
    await house.consent.withdraw('ada');
    const { speaker } = await house.speakers.put({ id: 'ada', name: null, groups: [], consent });
    expect(speaker).toMatchObject({ name: null, groups: [], optedOutAt: expect.any(Date) });
  });

  it('is one speaker, however many ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => house.speakers.put({ id: 'ada' })));
    expect(all.filter(({ added }) => added)).toHaveLength(1);
    expect(new Set(all.map(({ speaker }) => speaker.subject)).size).toBe(1);
  });
});

describe('a search among speakers', () => {
  it('finds by the beginnings of ids and names in any case, by metadata and group, and by all of them', async () => {
    for (const id of ['home', 'work']) await group(id);
    const add = (id: string, name: string | null, groups: string[], metadata = {}) =>
      house.speakers.create({ id, name, groups, metadata });
    await add('ada', 'Ada Lovelace', ['home'], { team: 'engines' });
    await add('adam', 'Émile', ['home', 'work'], { team: 'engines', floor: '2' });
    await add('bob', 'ADAM Smith', ['work'], { team: 'pins' });
    await add('cy', null, []);
    const found: [GivenFilter, string[]][] = [
      [{ id: 'ada' }, ['ada', 'adam']],
      [{ id: 'b' }, ['bob']],
      [{ name: 'ada' }, ['ada', 'bob']],
      [{ name: 'éM' }, ['adam']],
      [{ name: 'lovelace' }, []],
      [{ metadata: 'team=engines' }, ['ada', 'adam']],
      [{ metadata: 'team=engine' }, []],
      [{ group: 'home' }, ['ada', 'adam']],
      [{ group: 'work', name: 'a' }, ['bob']],
      [{ group: 'work', metadata: 'team=engines', id: 'ad', name: 'é' }, ['adam']],
      [{ group: 'home', metadata: 'team=pins' }, []],
    ];
    for (const [filter, expected] of found) {
      expect([filter, (await ids(filter)).sort()]).toEqual([filter, expected]);
      expect([filter, (await ids(filter, 1)).sort()]).toEqual([filter, expected]);
    }
    await house.speakers.update('ada', { name: 'Augusta', metadata: {} });
    expect(await ids({ name: 'ada' })).toEqual(['bob']);
    expect(await ids({ name: 'aug' })).toEqual(['ada']);
    expect(await ids({ metadata: 'team=engines' })).toEqual(['adam']);
    const totals = await Promise.all(
      [{}, { group: 'home' }, { name: 'a' }].map(
        async (filter) => (await house.speakers.page(1, undefined, filter)).total,
      ),
    );
    expect(totals).toEqual([4, 2, null]);
    await expect(ids({ group: 'nowhere' })).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    await expect(ids({ metadata: 'team' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const { nextCursor } = await house.speakers.page(1, undefined);
    await expect(house.speakers.page(1, nextCursor!, { id: 'a' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('gives everybody who meets the filter once, in pages of any size', async () => {
    const refs = [await group('g0'), await group('g1'), await group('g2')];
    const names = [null, 'Ada', 'ada', 'Ädam', 'Bob', '\u{1F600}x', '\uFFEEx'];
    const made = await house.store.transaction(async ({ speakers }) => {
      const all = Array.from({ length: 40 }, (_, i) => ({
        id: `s${(i * 7) % 40}`,
        name: names[i % 7] ?? null,
        in: i % 8,
        team: i % 3,
      }));
      for (const one of all) {
        const at = new Date(1000 + (one.team % 2));
        const groups = refs.filter((_, g) => one.in & (1 << g));
        await speakers.insert(
          newSpeaker({ id: one.id, name: one.name, groups, metadata: { team: `${one.team}` } }, at),
        );
      }
      return all;
    });
    const filter = fc.record(
      {
        group: fc.constantFrom('g0', 'g1', 'g2'),
        id: fc.constantFrom('s', 's1', 's3', 'x'),
        name: fc.constantFrom('a', 'ä', 'B', '\u{1F600}', '\uFFEE'),
        metadata: fc.constantFrom('team=0', 'team=1', 'team=9'),
      },
      { requiredKeys: [] },
    );
    const groupsOf = fc.option(fc.subarray(refs, { minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(filter, groupsOf, fc.integer({ min: 1, max: 50 }), async (given, key, limit) => {
        const own = (at: number): boolean => !key || refs.some((ref, g) => at & (1 << g) && key.includes(ref));
        const asked = key && given.group && !key.some(({ id }) => id === given.group);
        const fold = (text: string): string => text.normalize('NFKC').toLowerCase();
        const expected = made
          .filter((one) => own(one.in))
          .filter((one) => given.group === undefined || one.in & (1 << Number(given.group[1])))
          .filter((one) => one.id.startsWith(given.id ?? ''))
          .filter((one) => given.name === undefined || fold(one.name ?? '').startsWith(fold(given.name)))
          .filter((one) => given.metadata === undefined || given.metadata === `team=${one.team}`)
          .map(({ id }) => id);
        const search = (): Promise<string[]> => ids(given, limit);
        if (asked) await expect(bound(key, search)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
        else expect((await (key ? bound(key, search) : search())).sort()).toEqual(expected.sort());
      }),
      { numRuns: 150, seed: 20261129 },
    );
  });

  it('finds by id and name who was there before there was a search', async () => {
    const { folder: old, remove: removeOld } = await temporaryFolder();
    try {
      await copyFixture(fileURLToPath(new URL('../fixtures/data-before', import.meta.url)), old);
      const database = await Database.open({ folder: old });
      const store = new TypeOrmUnitOfWork(database);
      const [first] = await store.read(({ speakers }) => speakers.page(null, 1));
      const search = (filter: SpeakerFilter) =>
        store.read(async ({ speakers }) => (await speakers.search(filter, null, 9)).map(({ speaker }) => speaker?.id));
      expect(await search({ id: first!.id })).toContain(first!.id);
      if (first!.name !== null) expect(await search({ name: first!.name.toUpperCase() })).toContain(first!.id);
      expect(store.altered).toBe(0);
      await database.close();
    } finally {
      await removeOld();
    }
  });
});

describe('what another program writes', () => {
  beforeEach(async () => {
    for (const id of ['home', 'work']) await group(id);
    await house.enrolled('ada', 1);
    await house.speakers.update('ada', { groups: ['home'], metadata: { team: 'engines' } });
    await house.enrolled('bob', 2);
    await house.close();
  });

  const reopen = async (): Promise<void> => {
    house = await House.open(folder);
  };

  it('puts nobody into a group, neither by the record nor by what is searched', async () => {
    const [work] = await outside(folder, "SELECT uid FROM speaker_groups WHERE id = 'work'");
    const uid = String(work!['uid']);
    await outside(
      folder,
      `UPDATE speakers SET member_of = '["${uid}"]' WHERE id = 'ada'`,
      `INSERT INTO speaker_terms SELECT '${uid}', '', created_at, id FROM speakers`,
    );
    await reopen();
    expect(await ids({ group: 'work' })).toEqual([]);
    const refs = [{ uid, id: 'work' }];
    await expect(bound(refs, () => house.speakers.get('ada'))).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await expect(bound(refs, () => house.speakers.get('bob'))).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    const found = await house.identify({ voice: 1, seed: 9 }, 5, undefined, undefined, 'work');
    expect(found).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0 });
    expect(house.store.altered).toBeGreaterThan(0);
  });

  it('takes nobody out of one unseen, and changes no metadata', async () => {
    await outside(folder, "UPDATE speakers SET member_of = NULL, metadata = NULL WHERE id = 'ada'");
    await reopen();
    expect((await house.speakers.get('ada')).speaker).toMatchObject({ groups: [], optedOutAt: expect.any(Date) });
    expect(house.store.altered).toBe(1);
  });

  it('makes no group of another', async () => {
    await outside(
      folder,
      "UPDATE speaker_groups SET id = 'x' WHERE id = 'home'",
      "UPDATE speaker_groups SET id = 'home' WHERE id = 'work'",
      "UPDATE speaker_groups SET id = 'work' WHERE id = 'x'",
    );
    await reopen();
    for (const id of ['home', 'work']) {
      await expect(house.groups.get(id)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    }
  });
});

describe('who is bound to groups', () => {
  let home: GroupRef;
  let work: GroupRef;

  beforeEach(async () => {
    [home, work] = [await group('home'), await group('work')];
    await house.enrolled('ada', 1);
    await house.speakers.update('ada', { groups: ['home', 'work'] });
    await house.enrolled('eve', 2);
    await house.speakers.update('eve', { groups: ['work'] });
  });

  const atHome = <T>(work_: () => T): T => bound([home], work_);

  it('adds speakers to them, whose ids begin with them', async () => {
    const made = await atHome(() => house.speakers.create({}));
    expect(made.groups).toEqual([home]);
    const named = await atHome(() => house.speakers.create({ id: 'home:cy', groups: ['home'] }));
    expect(named.groups).toEqual([home]);
    // The same for an id that somebody else has, and for one that nobody has.
    const wrong = await Promise.all(
      ['eve', 'nobody'].map((id) =>
        atHome(() => house.speakers.create({ id })).catch((error: unknown) => String(error)),
      ),
    );
    expect(wrong[0]).toBe(wrong[1]);
    for (const id of ['eve', 'nobody', 'work:x', 'home']) {
      await expect(atHome(() => house.speakers.put({ id }))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const prepared = atHome(() => house.speakers.prepare([{ id }], true));
      await expect(prepared).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    const elsewhere = atHome(() => house.speakers.create({ groups: ['work'] }));
    await expect(elsewhere).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    const both = bound([home, work], () => house.speakers.create({}));
    await expect(both).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('home, work'),
    });
  });

  it('changes the groups of speakers within them, and leaves others alone', async () => {
    await atHome(() => house.speakers.update('ada', { name: 'Ada', groups: ['home'] }));
    expect((await house.speakers.get('ada')).speaker.groups.map(({ id }) => id)).toEqual(['home', 'work']);
    for (const change of [
      () => house.speakers.update('ada', { groups: [] }),
      () => house.speakers.put({ id: 'ada', groups: [] }),
      () => house.groups.leave('home', 'ada'),
    ]) {
      await expect(atHome<Promise<unknown>>(change)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await expect(atHome(() => house.groups.join('work', 'ada'))).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    await expect(atHome(() => house.groups.join('home', 'eve'))).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await bound([home, work], () => house.groups.join('home', 'eve'));
    await bound([home, work], () => house.groups.leave('work', 'eve'));
    expect((await house.speakers.get('eve')).speaker.groups).toEqual([home]);
  });

  it('identifies among their members', async () => {
    const found = await atHome(() => house.identify({ voice: 2, seed: 9 }));
    expect(found).toMatchObject({ decision: 'REJECT', gallerySize: 1 });
    expect(found.ranking.map(({ speakerId }) => speakerId)).toEqual(['ada']);
    const both = await bound([home, work], () => house.identify({ voice: 2, seed: 9 }));
    expect(both).toMatchObject({ decision: 'ACCEPT', speakerId: 'eve', gallerySize: 2 });
    const named = atHome(() => house.identify({ voice: 2, seed: 9 }, 5, ['eve']));
    await expect(named).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    const nobody = await bound([], () => house.identify({ voice: 1, seed: 9 }));
    expect(nobody).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0 });
  });

  it("does not have a file recognised that somebody else's voice was made of", async () => {
    await house.speakers.create({ id: 'cy', groups: ['home'] });
    await house.speakers.create({ id: 'dan', groups: ['work'] });
    const heard = { voice: 7, seed: 7 };
    await house.enrol('dan', heard);
    const before = house.engine.embedded.length;
    await house.enrol('cy', { voice: 8, seed: 8 });
    expect(house.engine.embedded.length).toBe(before + 1);
    await atHome(() => house.enrol('cy', heard));
    expect(house.engine.embedded.length).toBe(before + 2);
    await bound([work], () => house.enrol('eve', heard));
    expect(house.engine.embedded.length).toBe(before + 2);
  });

  it('sees the receipts of the own erasures', async () => {
    const own = await bound([work], () => house.speakers.erase('eve'), 'key 1');
    const other = await house.speakers.erase('ada');
    const check = (id: string, by: string) => bound([work], () => house.speakers.receipt(id), by);
    expect(await check(own.id, 'key 1')).toMatchObject({ remains: 0 });
    await expect(check(own.id, 'key 2')).rejects.toMatchObject({ code: 'RECEIPT_NOT_FOUND' });
    await expect(check(other.id, 'key 1')).rejects.toMatchObject({ code: 'RECEIPT_NOT_FOUND' });
  });

  it('is what it was when the call began, whoever reads on', async () => {
    const snapshot = await atHome(() => house.store.snapshot());
    try {
      expect(await snapshot.read(({ speakers }) => speakers.find('eve'))).toBeNull();
      expect(await snapshot.read(({ speakers }) => speakers.find('ada'))).not.toBeNull();
    } finally {
      await snapshot.close();
    }
  });
});
