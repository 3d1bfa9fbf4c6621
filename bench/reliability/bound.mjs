// What do the register and the chained trail cost the records of an enrolment and of a verification, beside the model?
//
//   npm run build && node bench/reliability/bound.mjs [--people 1000] [--rounds 300] [--out FILE]
//
// The same work on one database, with what is stored bound and with the register's part left out, in turn, a round of each;
// processor time of the whole process, so that others on the machine count little, and the time that passed.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Database } from '../../dist/service/persistence/sqlite/database.js';
import { examineDatabase } from '../../dist/service/persistence/sqlite/examine.js';
import { Register } from '../../dist/service/persistence/common/register.js';
import { TypeOrmUnitOfWork } from '../../dist/service/persistence/common/typeorm-unit-of-work.js';
import { buildProfile } from '../../dist/service/records/profile.js';
import { newSpeaker } from '../../dist/service/records/speaker.js';
import { describeMachine, quantile } from '../js/machine.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '300' },
    out: { type: 'string' },
  },
});
const people = Number(values.people);
const rounds = Number(values.rounds);

const ORIGIN = { model: 'bench@0123456789ab', frontEnd: 'bench-0123456789ab' };
const POLICY = { requiredSpeechSeconds: 1, outlierCosine: 0 };
const AT_ONCE = 200;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-bound-'));
try {
  const report = await measure();
  process.stdout.write(report);
  if (values.out) writeFileSync(values.out, report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  const database = await Database.open({ folder });
  const store = new TypeOrmUnitOfWork(database);
  for (let from = 0; from < people; from += AT_ONCE) {
    await store.transaction(async (records) => {
      for (let i = from; i < Math.min(people, from + AT_ONCE); i++) {
        await records.speakers.insert(newSpeaker({ id: `s${i}` }, new Date()));
        await enrol(records, `s${i}`);
      }
    });
  }
  /** @type {Record<string, (i: number) => Promise<unknown>>} */
  const works = {
    'a recording is enrolled': (i) => store.transaction((records) => enrol(records, `s${i % people}`)),
    'a claim is verified': async (i) => {
      // As VerificationService: before the model, and after it.
      for (let time = 0; time < 2; time++) {
        await store.read(async ({ speakers, profiles }) => {
          await speakers.find(`s${i % people}`);
          await profiles.find(`s${i % people}`, ORIGIN);
        });
      }
    },
    'a page of the gallery is read': (i) =>
      store.read(({ profiles }) => profiles.voices(ORIGIN, `s${i % people}`, AT_ONCE)),
    'ten entries of the trail are written': () =>
      store.transaction(({ audit }) => audit.append(Array.from({ length: 10 }, entry))),
  };
  const rows = [];
  for (const [name, work] of Object.entries(works)) rows.push(await compare(name, work));
  const began = performance.now();
  // Enrolments without their part of the register are not as they were written: only how long it takes is of interest.
  const { trail, records } = await examineDatabase({ folder });
  const seconds = (performance.now() - began) / 1000;
  const looked = Object.values(records).reduce((sum, count) => sum + count, trail.entries);
  await database.close();
  return `# What binding costs

\`node bench/reliability/bound.mjs --people ${people} --rounds ${rounds}\`: ${people} people with a recording each. Medians of
milliseconds, rounds with and without in turn; processor time is that of the whole process.

${machine}

| work on the records | processor, bound | without | time, bound | without |
| --- | ---: | ---: | ---: | ---: |
${rows.map(({ name, bound, without }) => `| ${name} | ${ms(bound.cpu)} | ${ms(without.cpu)} | ${ms(bound.wall)} | ${ms(without.wall)} |`).join('\n')}

\`timbre doctor --data-dir\` looked at ${looked} records and entries in ${seconds.toFixed(1)} s.
`;
}

/** @param {import('../../dist/service/records/unit-of-work.js').VoiceRecords} records @param {string} speakerId */
async function enrol(records, speakerId) {
  const embedding = Float32Array.from({ length: 192 }, () => Math.random() - 0.5);
  const id = randomUUID();
  await records.enrollments.insert({
    id,
    speakerId,
    createdAt: new Date(),
    fileName: 'a.wav',
    contentSha256: randomUUID().replaceAll('-', '').repeat(2),
    origin: ORIGIN,
    embedding,
    measures: {
      audioSeconds: 12,
      speechSeconds: 10,
      sampleRate: 16_000,
      channels: 1,
      snrDb: 20,
      clippedShare: 0,
      bandwidthHz: 7600,
      levelDb: -23,
    },
    verdict: { accepted: true, reasons: [], quality: 'GOOD' },
  });
  const input = { enrollmentId: id, embedding, speechSeconds: 10 };
  await records.profiles.put(buildProfile(speakerId, ORIGIN, [input], POLICY, new Date()));
  const speaker = await records.speakers.find(speakerId);
  if (!speaker) throw new Error(`${speakerId} is not there`);
  await records.speakers.update({ ...speaker, updatedAt: new Date() });
  await records.audit.record({ action: 'enrollment.added', subject: speaker.subject, object: id });
}

function entry() {
  const rest = { object: null, outcome: 'ACCEPT', requestId: randomUUID() };
  return /** @type {const} */ ({
    at: new Date(),
    by: 'bench',
    action: 'voice.verified',
    subject: randomUUID(),
    ...rest,
  });
}

/** @param {string} name @param {(i: number) => Promise<unknown>} work */
async function compare(name, work) {
  const bound = { cpu: /** @type {number[]} */ ([]), wall: /** @type {number[]} */ ([]) };
  const without = { cpu: /** @type {number[]} */ ([]), wall: /** @type {number[]} */ ([]) };
  for (let i = -20; i < rounds; i++) {
    const once = await timed(() => work(i + 20));
    const restore = leaveOut();
    const other = await timed(() => work(i + 21)).finally(restore);
    if (i < 0) continue;
    bound.cpu.push(once.cpu);
    bound.wall.push(once.wall);
    without.cpu.push(other.cpu);
    without.wall.push(other.wall);
  }
  return { name, bound, without };
}

/** The work as it would be without a register; gives the way back. */
function leaveOut() {
  const { prototype } = Register;
  const kept = Object.getOwnPropertyDescriptors(prototype);
  const nothing = () => Promise.resolve();
  const trail = { last: 0, mac: '', keys: [{ from: 0, key: '' }], trimmed: [] };
  Object.assign(prototype, {
    check: (/** @type {unknown} */ _, /** @type {string} */ __, /** @type {unknown[]} */ rows) =>
      Promise.resolve(rows.map(() => true)),
    holds: () => Promise.resolve(true),
    require: nothing,
    vouching: () => 'NULL AS register_head',
    checkBeside: (/** @type {unknown} */ _, /** @type {string} */ __, /** @type {unknown[]} */ found) =>
      Promise.resolve(found.map(() => true)),
    release: () => undefined,
    releaseAll: () => undefined,
    checkBoth: (/** @type {unknown} */ _, /** @type {unknown} */ __, /** @type {unknown[]} */ rows) =>
      Promise.resolve(rows.map(() => [true, true])),
    bind: () => undefined,
    changeHead: (/** @type {unknown} */ _, /** @type {(head: object) => void} */ change) => {
      change({ trail: { ...trail, trimmed: [] } });
      return Promise.resolve();
    },
  });
  return () => Object.defineProperties(prototype, kept);
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall: performance.now() - began };
}

/** @param {readonly number[]} times */
function ms(times) {
  return quantile(
    [...times].sort((a, b) => a - b),
    0.5,
  ).toFixed(2);
}
