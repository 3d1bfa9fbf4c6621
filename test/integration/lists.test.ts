import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { newAuditEntry } from '../../src/service/records/audit-entry.js';
import type { AuditFilter } from '../../src/service/records/audit.repository.js';
import { newGroup } from '../../src/service/records/group.js';
import type { SearchPlace, SpeakerFilter } from '../../src/service/records/speaker.repository.js';
import { actAs } from '../../src/support/actor.js';
import { newSpeaker } from '../../src/service/records/speaker.js';
import type { VoiceRecords } from '../../src/service/records/unit-of-work.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { planOf, unbounded, watch } from './statements.js';
import { enrollment, ORIGIN, temporaryFolder } from './voices.js';

let remove: () => Promise<void>;
let database: Database;
let store: TypeOrmUnitOfWork;

const BEFORE = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-02-01T00:00:00Z');
const SUBJECT = randomUUID();
const PLACE = [LATER.getTime(), 7] as const;
const PLACE_OF_AUDIO = [LATER.getTime(), 'a'] as const;
const TEXT_PLACE = [LATER.getTime(), 'a'] as const;
const GROUP = newGroup({ id: 'household' }, LATER);
const OTHER = newGroup({ id: 'meeting' }, LATER);
const FILTERS: [string, SpeakerFilter][] = [
  ['a group', { group: GROUP.uid }],
  ['names', { name: 'a' }],
  ['ids', { id: 'a' }],
  ['metadata', { metadata: ['team', 'engines'] }],
  ['names of a group', { group: GROUP.uid, name: 'a' }],
  ['everything', { group: GROUP.uid, name: 'a', id: 'a', metadata: ['team', 'engines'] }],
];
const CURSOR = { createdAt: LATER, id: 'a' };

beforeAll(async () => {
  const made = await temporaryFolder();
  remove = made.remove;
  database = await Database.open({ folder: made.folder });
  store = new TypeOrmUnitOfWork(database);
  await store.transaction(async ({ groups, speakers, enrollments }) => {
    for (const group of [GROUP, OTHER]) await groups.insert(group);
    const described = { groups: [GROUP], metadata: { team: 'engines' } };
    await speakers.insert(newSpeaker({ id: 'ada', name: 'Ada', ...described }, new Date()));
    await enrollments.insert(enrollment('ada', 'a'));
  });
});

afterAll(async () => {
  await database.close();
  await remove();
});

const LISTS: [string, (records: VoiceRecords) => Promise<unknown>][] = [
  ['speakers', ({ speakers }) => speakers.page(null, 20)],
  ['speakers after a place', ({ speakers }) => speakers.page(CURSOR, 20)],
  ['groups', ({ groups }) => groups.page(null, 20)],
  ['groups after a place', ({ groups }) => groups.page(CURSOR, 20)],
  ['a group', ({ groups }) => groups.find('household')],
  ['how many groups there are', ({ groups }) => groups.count()],
  ['how many speakers there are', ({ speakers }) => speakers.count()],
  ['speakers by their ids', ({ speakers }) => speakers.findMany(['a', 'b'])],
  ['speakers by their subjects', ({ speakers }) => speakers.bySubject([SUBJECT, randomUUID()])],
  ['speakers who go by age', ({ speakers }) => speakers.fading({ idle: BEFORE, withdrawn: BEFORE }, 20)],
  ['speakers who were told of it', ({ speakers }) => speakers.due({ idle: BEFORE, withdrawn: BEFORE }, BEFORE, 20)],
  ['ids by subjects', ({ speakers }) => speakers.idsBySubject([SUBJECT, randomUUID()])],
  ['enrolments', ({ enrollments }) => enrollments.page('ada', null, 20)],
  ['enrolments after a place', ({ enrollments }) => enrollments.page('ada', TEXT_PLACE, 20)],
  ['enrolments with vectors', ({ enrollments }) => enrollments.withEmbeddings('ada', TEXT_PLACE, 20)],
  ['a recording that was heard before', ({ enrollments }) => enrollments.heardBefore(ORIGIN, 'ab')],
  ['profiles', ({ profiles }) => profiles.ofSpeaker('ada')],
  ['voices', ({ profiles }) => profiles.voices(ORIGIN, null, 20)],
  ['voices after a place', ({ profiles }) => profiles.voices(ORIGIN, 'ada', 20)],
  ['voices of subjects', ({ profiles }) => profiles.voicesOf([SUBJECT], ORIGIN)],
  ['kept recordings', ({ recordings }) => recordings.page('ada', PLACE_OF_AUDIO, 20)],
  ['kept recordings that go by age', ({ recordings }) => recordings.trim(BEFORE, 20)],
  ['the last run of a re-embedding', ({ reEmbeddings }) => reEmbeddings.last()],
  ['the one that runs', ({ reEmbeddings }) => reEmbeddings.running()],
  ['consents', ({ consents }) => consents.page('ada', null, 20)],
  ['consents after a place', ({ consents }) => consents.page('ada', TEXT_PLACE, 20)],
  ['jobs', ({ jobs }) => jobs.page(null, 20)],
  ['jobs after a place', ({ jobs }) => jobs.page(CURSOR, 20)],
  ['jobs of who is bound', ({ jobs }) => jobs.page(CURSOR, 20, [GROUP])],
  ['how many jobs of who is bound there are', ({ jobs }) => jobs.count([GROUP])],
  ['how many jobs there are', ({ jobs }) => jobs.count()],
  ['jobs that ended', ({ jobs }) => jobs.finishedBefore(LATER, 20)],
  ['conversations', ({ conversations }) => conversations.page(null, 20)],
  ['conversations after a place', ({ conversations }) => conversations.page(CURSOR, 20)],
  ['conversations that tell of a speaker', ({ conversations }) => conversations.ofSpeaker('ada', null, 20)],
  ['the same after a place', ({ conversations }) => conversations.ofSpeaker('ada', ['a', 'A'], 20)],
  ['how many conversations there are', ({ conversations }) => conversations.count()],
  ['recordings of a job', ({ jobs }) => jobs.items('j', 0, 20)],
  ['recordings of a job in a state', ({ jobs }) => jobs.items('j', 5, 20, 'failed')],
  ['recordings of a job that were settled', ({ jobs }) => jobs.settled('j', 5, 20)],
  ['recordings of a speaker', ({ jobs }) => jobs.ofSpeaker('ada', null, 20)],
  ['the trail', ({ audit }) => audit.page({}, null, 20)],
  ['the trail after a place', ({ audit }) => audit.page({}, PLACE, 20)],
];

describe('a search among speakers', () => {
  const planned = async (filter: SpeakerFilter, after: SearchPlace | null): Promise<[number, string[]]> => {
    const { statements, stop } = await watch(database);
    const found = await store.read(({ speakers }) => speakers.search(filter, after, 20));
    stop();
    const steps: string[] = [];
    for (const statement of statements) steps.push(...(await unbounded(database, statement)));
    return [found.length, steps];
  };

  it.each(FILTERS)('reads no more than a page of what it is searched by: %s', async (_, filter) => {
    expect(await planned(filter, null)).toEqual([1, []]);
    expect(await planned(filter, ['', BEFORE.getTime(), 'a'])).toEqual([1, []]);
    const [found] = await store.read(({ speakers }) => speakers.search(filter, null, 20));
    expect(await planned(filter, found!.place)).toEqual([0, []]);
  });

  it('of who is bound reads rows of the own groups alone', async () => {
    const actor = { by: 'a key', requestId: null, groups: [GROUP, OTHER] };
    expect(await actAs(actor, () => planned({}, null))).toEqual([1, []]);
    const { statements, stop } = await watch(database);
    await actAs(actor, () =>
      store.read(({ speakers }) => speakers.search({ metadata: ['team', 'engines'] }, null, 20)),
    );
    stop();
    const searched = statements.filter(({ sql }) => /FROM speaker_terms/.test(sql));
    expect(searched.map(({ values }) => values[0])).toEqual([GROUP.uid, OTHER.uid]);
    for (const statement of searched) {
      expect((await planOf(database, statement))[0]).toMatch(/^SEARCH t USING PRIMARY KEY \(group_uid=\? AND term=\?/);
    }
  });
});

describe('a list', () => {
  it('of conversations of who is bound reads rows of the same groups alone', async () => {
    const { statements, stop } = await watch(database);
    await actAs({ by: 'a key', requestId: null, groups: [GROUP] }, () =>
      store.read(async ({ conversations }) => [await conversations.page(CURSOR, 20), await conversations.count()]),
    );
    stop();
    const searched = statements.filter(({ sql }) => /FROM conversations/.test(sql));
    expect(searched).toHaveLength(2);
    for (const statement of searched) {
      expect((await planOf(database, statement))[0]).toMatch(/^SEARCH conversations USING .*conversations_of_bound/);
      expect(await unbounded(database, statement)).toEqual([]);
    }
  });

  it.each(LISTS)('reads no more than a page, whatever there is: %s', async (_, read) => {
    const { statements, stop } = await watch(database);
    await store.read(read);
    stop();
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      expect({ sql: statement.sql, steps: await unbounded(database, statement) }).toEqual({
        sql: statement.sql,
        steps: [],
      });
    }
  });

  it('would be found to read more: a scan with a condition, and a sort', async () => {
    const from = 'FROM speakers INDEXED BY speakers_in_order';
    const all = { sql: `SELECT id ${from} ORDER BY created_at, id LIMIT 1`, values: [] };
    expect(await unbounded(database, all)).toEqual([]);
    const scan = { sql: `SELECT id ${from} WHERE name = ? ORDER BY created_at, id LIMIT 1`, values: ['x'] };
    expect(await unbounded(database, scan)).toEqual([expect.stringMatching(/^SCAN speakers USING INDEX/)]);
    const sort = { sql: 'SELECT id FROM speakers ORDER BY name LIMIT 1', values: [] };
    expect(await unbounded(database, sort)).toContainEqual(expect.stringMatching(/USE TEMP B-TREE/));
  });
});

describe('the audit trail in a span of time', () => {
  it.each<[AuditFilter, string]>([
    [{ from: LATER }, 'audit_in_time (at>?)'],
    [{ to: LATER }, 'audit_in_time (at>? AND at<?)'],
    [{ from: BEFORE, to: LATER }, 'audit_in_time (at>? AND at<?)'],
    [{ subject: SUBJECT }, 'audit_of_subject (subject=? AND id>?)'],
    [{ subject: SUBJECT, from: LATER }, 'audit_of_subject_in_time (subject=? AND at>?)'],
    [{ subject: SUBJECT, from: BEFORE, to: LATER }, 'audit_of_subject_in_time (subject=? AND at>? AND at<?)'],
  ])('%j is found by an index that has all of its conditions, and one beginning', async (filter, index) => {
    for (const after of [null, PLACE]) {
      const { statements, stop } = await watch(database);
      await store.read(({ audit }) => audit.page(filter, after, 20));
      stop();
      const [statement] = statements.filter(({ sql }) => /FROM audit/.test(sql));
      const [step, ...others] = await planOf(database, statement!);
      // A place is searched by both of its numbers.
      const plain = step?.replace('(at,rowid)>(?,?)', 'at>?').replace('rowid>?', 'id>?');
      expect({ plain, others }).toEqual({ plain: `SEARCH audit USING INDEX ${index}`, others: [] });
      // What is compared with the same column twice is searched by one, and everything from there on is read.
      expect(statement!.sql.match(/at >=|\(at, id\) >|\bid > \?/g)).toHaveLength(1);
    }
  });

  it('begins where the later of the two is: what was asked for, or the place', async () => {
    const at = (minute: number): Date => new Date(BEFORE.getTime() + minute * 60_000);
    const subject = randomUUID();
    const entry = (minute: number) => ({
      ...newAuditEntry({ action: 'speaker.renamed', subject, outcome: String(minute) }),
      at: at(minute),
    });
    await store.transaction(({ audit }) => audit.append([3, 1, 2, 0, 4].map(entry)));
    const minutes = async (filter: AuditFilter, after: readonly [number, number] | null): Promise<string[]> =>
      (await store.read(({ audit }) => audit.page(filter, after, 20))).map(({ outcome }) => outcome);
    expect(await minutes({ subject }, null)).toEqual(['3', '1', '2', '0', '4']);
    expect(await minutes({ subject, from: at(1) }, null)).toEqual(['1', '2', '3', '4']);
    expect(await minutes({ subject, from: at(1), to: at(4) }, [at(2).getTime(), 1e9])).toEqual(['3']);
    expect(await minutes({ subject, from: at(3) }, [at(1).getTime(), 1e9])).toEqual(['3', '4']);
    expect(await minutes({ from: at(1), to: at(3) }, null)).toEqual(['1', '2']);
    expect(await minutes({ from: at(0) }, [at(3).getTime(), 1e9])).toEqual(['4']);
  });
});
