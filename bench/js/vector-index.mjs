// How long does finding a voice take, and how many of the nearest are found, in a node's memory and by pgvector? Among
// everybody and among a group of 1 % of them.
//
//   npm test -- --only postgres18 && npm run build && node bench/js/vector-index.mjs [--people 1000,100000] [--out FILE]
//
// The database is PostgreSQL 18 with pgvector as the tests set it up, on this machine, and its settings are the default ones.
// Profiles have directions that are drawn evenly, which is the hardest for an approximate index: no voice is near another.
// What is looked for is a profile, turned by a drawn angle to the cosine of 0.6 that a recording has with it.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { TableChangeFeed } from '../../dist/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../dist/service/persistence/common/typeorm-unit-of-work.js';
import { LARGE_SET } from '../../dist/service/persistence/postgres/pgvector/approximate-search.js';
import { PgvectorDatabase } from '../../dist/service/persistence/postgres/pgvector/pgvector-database.js';
import {
  nearestApproximately,
  nearestExactly,
  putVectors,
  textOf,
  useIndex,
} from '../../dist/service/persistence/postgres/pgvector/vector-rows.js';
import { PostgresDatabase } from '../../dist/service/persistence/postgres/postgres-database.js';
import { newGroup } from '../../dist/service/records/group.js';
import { newSpeaker } from '../../dist/service/records/speaker.js';
import { NativeVoiceIndex } from '../../dist/service/voices/native-voice-index.js';
import { Cluster } from '../../test/postgres/cluster.mjs';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '1000,100000' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'vector-index.md') },
  },
});
Logger.overrideLogger(['warn', 'error']);

const DIMENSION = 192;
const NEAREST = 10;
const QUERIES = 50;
const QUERY_COSINE = 0.6;
const GROUP_SHARE = 0.01;
const AT_ONCE = 500;
/** More are put into the table as they would lie there, and have no profiles. */
const MOST_ENROLLED = 1000;
const ORIGIN = { model: 'bench@0123456789ab', frontEnd: 'kaldi-0123456789ab' };

const MODEL = { ready: async () => undefined, origin: () => ORIGIN, dimension: () => DIMENSION };

/** @typedef {import('../../dist/service/records/group.js').Group} Group */

const random = seededUniform(3);
const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** @param {Float32Array | number[]} of */
function unit(of) {
  const length = Math.hypot(...of);
  return Float32Array.from(of, (value) => value / length);
}

const direction = () => unit(Float32Array.from({ length: DIMENSION }, gauss));

/** @param {Float32Array} a @param {Float32Array} b */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < DIMENSION; i++) sum += Number(a[i]) * Number(b[i]);
  return sum;
}

/** A recording's direction. @param {Float32Array} profile */
function beside(profile) {
  const drawn = direction();
  const along = dot(drawn, profile);
  const across = unit(drawn.map((value, i) => value - along * Number(profile[i])));
  const share = Math.sqrt(1 - QUERY_COSINE ** 2);
  return unit(profile.map((value, i) => QUERY_COSINE * value + share * Number(across[i])));
}

/** @typedef {{ id: string, vector: Float32Array, isMember: boolean }} Person */

/** @param {readonly Person[]} people @param {Float32Array} query */
function nearestOf(people, query) {
  return people
    .map(({ id, vector }) => ({ id, cosine: dot(vector, query) }))
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, NEAREST)
    .map(({ id }) => id);
}

/** @param {number} count @returns {Person[]} */
function draw(count) {
  return Array.from({ length: count }, (_, i) => ({
    id: randomUUID(),
    vector: direction(),
    isMember: i % Math.round(1 / GROUP_SHARE) === 0,
  }));
}

/** As the service does it. @param {readonly Person[]} people @param {TypeOrmUnitOfWork} store @param {Group} group */
async function enrol(people, store, group) {
  await store.transaction(({ groups }) => groups.insert(group));
  for (let from = 0; from < people.length; from += AT_ONCE) {
    await store.transaction(async ({ speakers, profiles }) => {
      for (const { id, vector, isMember } of people.slice(from, from + AT_ONCE)) {
        await speakers.insert(newSpeaker({ id, groups: isMember ? [group] : [] }, new Date()));
        await profiles.put({
          speakerId: id,
          origin: ORIGIN,
          centroid: vector,
          members: [],
          speechSeconds: 30,
          cohesion: null,
          confidence: 1,
          status: 'Enrolled',
          updatedAt: new Date(),
        });
      }
    });
  }
}

/** The rows that a search begins with, and no profiles. @param {readonly Person[]} people @param {PostgresDatabase} database @param {any} opened @param {Group} group */
async function fill(people, database, { space, rotation }, group) {
  for (let from = 0; from < people.length; from += AT_ONCE) {
    const part = people.slice(from, from + AT_ONCE);
    const ids = part.map(({ id }) => id);
    const rows = part.flatMap(({ id, vector, isMember }) => {
      const row = { speakerId: id, groupUid: '', vector: textOf(rotation.turn(vector)) };
      return isMember ? [row, { ...row, groupUid: group.uid }] : [row];
    });
    await database.query(async (manager) => {
      const made = `INSERT INTO speakers (id, subject, created_at, updated_at, version) SELECT i, i, 0, 0, 1 FROM unnest(CAST($1 AS text[])) i`;
      await manager.query(made, [ids]);
      await putVectors(manager, space, ids, rows);
    });
  }
}

/** A node's gallery of them, built from memory in the place of a database. @param {readonly Person[]} people @param {Group} group */
async function galleryOf(people, group) {
  let at = 0;
  const profiles = {
    voices: (/** @type {unknown} */ _origin, /** @type {unknown} */ _after, /** @type {number} */ limit) => {
      const part = people.slice(at, (at += limit));
      return part.map(({ id, vector, isMember }) => ({
        subject: id,
        speakerId: id,
        groups: isMember ? [group.uid] : [],
        centroid: vector,
        speechSeconds: 30,
        recordings: 3,
        consented: true,
      }));
    },
  };
  const index = new NativeVoiceIndex(
    /** @type {any} */ ({ read: async (/** @type {(records: object) => unknown} */ work) => work({ profiles }) }),
    /** @type {any} */ ({ head: async () => 0, after: async () => [] }),
    /** @type {any} */ (MODEL),
    /** @type {any} */ (MODEL),
  );
  await index.ready();
  return index;
}

/**
 * @typedef {{ query: Float32Array, person: string, nearest: string[] }} Question
 * @typedef {{ milliseconds: number[], recall: number, right: number }} Measured
 */

/** @param {readonly Question[]} questions @param {(query: Float32Array) => Promise<string[]>} search @returns {Promise<Measured>} */
async function measure(questions, search) {
  let [found, all, right] = [0, 0, 0];
  const milliseconds = [];
  for (const { query } of questions.slice(0, 5)) await search(query);
  for (const { query, person, nearest } of questions) {
    const began = performance.now();
    const ids = await search(query);
    milliseconds.push(performance.now() - began);
    found += nearest.filter((id) => ids.includes(id)).length;
    all += nearest.length;
    if (ids[0] === person) right++;
  }
  return { milliseconds, recall: found / all, right: right / questions.length };
}

/** @param {string} what @param {number} among @param {Measured} of */
function rowOf(what, among, { milliseconds, recall, right }) {
  const [least, median] = [Math.min(...milliseconds), quantile(milliseconds, 0.5)];
  const share = (/** @type {number} */ value) => `${(100 * value).toFixed(1)} %`;
  return `| ${among.toLocaleString('en')} | ${what} | ${least.toFixed(1)} | ${median.toFixed(1)} | ${share(recall)} | ${share(right)} |`;
}

/** @param {Cluster} cluster @param {number} count */
async function compare(cluster, count) {
  const folder = mkdtempSync(join(tmpdir(), 'timbre-bench-'));
  const limits = { pool: 10, waitMs: 600_000, statementMs: 600_000 };
  const database = await PostgresDatabase.open({ folder, url: cluster.url(), schema: `people_${count}`, ...limits });
  const rows = [];
  const facts = [];
  let began = 0;
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  try {
    const group = newGroup({ id: 'group' }, new Date());
    const people = draw(count);
    const isWhole = count <= MOST_ENROLLED;
    if (isWhole) await enrol(people, new TypeOrmUnitOfWork(database), group);
    const native = await galleryOf(people, group);
    began = performance.now();
    const pgvector = (await PgvectorDatabase.open(database, new TableChangeFeed(database))).voiceIndex(MODEL);
    await pgvector.ready();
    if (isWhole) facts.push(`${count.toLocaleString('en')}: the table is filled from the profiles in ${seconds()} s`);
    /** @type {any} */
    const { opened, approximate } = pgvector;
    const { space, rotation } = opened;
    if (!isWhole) {
      await fill(people, database, opened, group);
      facts.push(`${count.toLocaleString('en')}: the rows are written in ${seconds()} s`);
      await database.statement('ANALYZE voice_vectors', []);
    }
    for (const members of [people, people.filter(({ isMember }) => isMember)]) {
      const isGroup = members !== people;
      const groups = [isGroup ? group.uid : ''];
      const among = isGroup ? { groups } : {};
      const questions = Array.from({ length: QUERIES }, () => {
        const person = /** @type {Person} */ (members[Math.floor(random() * members.length)]);
        const query = beside(person.vector);
        return { query, person: person.id, nearest: nearestOf(members, query) };
      });
      const where = isGroup ? 'a group of 1 %' : 'everybody';
      const add = async (
        /** @type {string} */ what,
        /** @type {(query: Float32Array) => Promise<string[]>} */ search,
      ) => void rows.push(rowOf(`${what}, ${where}`, members.length, await measure(questions, search)));
      const searched = (/** @type {any} */ index) => async (/** @type {Float32Array} */ query) => {
        /** @type {{ speakerId: string }[]} */
        const found = await index.search(query, NEAREST, among);
        return found.map(({ speakerId }) => speakerId);
      };
      /** @type {Map<string, string>} */
      const ids = new Map();
      for (const { id, subject } of await database.statement('SELECT id, subject FROM speakers', []))
        ids.set(subject, id);
      const stated =
        (/** @type {(manager: any, query: string) => Promise<{ subject: string }[]>} */ work) =>
        (/** @type {Float32Array} */ query) =>
          database
            .read((manager) => work(manager, textOf(rotation.turn(query))))
            .then((found) => found.map(({ subject }) => String(ids.get(subject))));
      await add('native', searched(native));
      if (isWhole) await add('pgvector, with the profiles', searched(pgvector));
      await add(
        'pgvector, every row',
        stated((manager, query) => nearestExactly(manager, space, groups, query, NEAREST)),
      );
      if (isGroup || count < LARGE_SET) continue;
      began = performance.now();
      await approximate.build(space, '');
      facts.push(`${count.toLocaleString('en')}: the HNSW index is made in ${seconds()} s`);
      for (const efSearch of [40, 100, 200, 400, 1000]) {
        await add(
          `pgvector, HNSW, \`ef_search\` ${efSearch}${efSearch === 40 ? ' (its default)' : ''}`,
          stated(async (manager, query) => {
            await useIndex(manager, efSearch);
            return nearestApproximately(manager, space, '', query, NEAREST);
          }),
        );
      }
      await approximate.keepUp(space);
      await pgvector.ready();
      const { recall = 0, inUse } = pgvector.report.approximate ?? {};
      const how = inUse ? 'by the index' : 'row by row';
      facts.push(
        `${count.toLocaleString('en')}: the service measures a recall of ${recall.toFixed(3)}, and searches ${how}`,
      );
    }
    const [size] = await database.statement(
      `SELECT pg_table_size('voice_vectors') / 1e6 AS table, pg_indexes_size('voice_vectors') / 1e6 AS indexes`,
      [],
    );
    const { table, indexes } = /** @type {{ table: string, indexes: string }} */ (size);
    const megabytes = [table, indexes].map((each) => Number(each).toFixed(0));
    facts.push(`${count.toLocaleString('en')}: the table takes ${megabytes[0]} MB, its indexes ${megabytes[1]} MB`);
  } finally {
    await database.close();
    rmSync(folder, { recursive: true });
  }
  return { rows, facts };
}

const machine = describeMachine();
const cluster = await Cluster.start({ edition: 'pgvector', settings: { maintenance_work_mem: '512MB' } });
/** @type {{ rows: string[], facts: string[] }[]} */
const found = [];
try {
  for (const count of values.people.split(',').map(Number)) found.push(await compare(cluster, count));
} finally {
  await cluster.remove();
}

writeFileSync(
  values.out,
  `# Finding a voice in memory and by pgvector

\`node bench/js/vector-index.mjs --people ${values.people}\`

${machine}

Vectors of ${DIMENSION} dimensions, of directions that are drawn evenly: the hardest for an approximate index. ${QUERIES} searches
for the ${NEAREST} nearest, one after the other, each for a drawn person's vector turned to a cosine of ${QUERY_COSINE}. The fastest of them is
nearest to what a search takes on a machine that does nothing else. Recall: share of the ${NEAREST} nearest by exact cosines that
are found. "With the profiles" is the service's own search, for which those found are read, vouched for and opened; the other rows
of pgvector are its statement alone, on vectors of half precision. PostgreSQL 18.1 and pgvector 0.8.5 on the same machine,
with 512 MB to build indexes in (\`maintenance_work_mem\`) and otherwise the settings of the tests.

| among | how | ms, fastest | ms, median | recall | right person first |
| ---: | --- | ---: | ---: | ---: | ---: |
${found.flatMap(({ rows }) => rows).join('\n')}

${found.flatMap(({ facts }) => facts.map((fact) => `- ${fact}.`)).join('\n')}
`,
);
