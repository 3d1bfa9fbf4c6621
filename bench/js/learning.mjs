// Profiles that learn, by a service over HTTP: how often people are missed before and after, whether a stranger who tries
// gets in, and whether undoing gives the profile of before.
//
//   npm run build
//   node bench/js/learning.mjs ../shared/speech [--model starter] [--pool report] [--out FILE]
//   node bench/js/learning.mjs ../shared/speech --lines --least 20 --verify 4     (about 50 recordings to learn from)
//
// Half of the people are enrolled, with their first recordings; their last are verified before and after, those between are
// learned from. Everybody enrolled has a stranger who tries: somebody of the other half, of the same source where there is
// one, whose recordings are verified against the profile in turn with the person's own while it learns. With --lines each
// recording but the enrolled ones is heard over several lines (`overLine`, which needs ffmpeg). Intervals are the 95 % bootstrap
// intervals over people.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Refusal } from '../reliability/service.mjs';
import { commandWords, describeMachine } from './machine.mjs';
import { LINES, overLine } from './lines.mjs';
import { enrol, mapInLanes, modelSettings, recordingsOf, withService } from './people-service.mjs';
import { intervalOver, PEOPLE_OPTIONS, readPeople, shuffled, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    enrol: { type: 'string', default: '3' },
    verify: { type: 'string', default: '5' },
    least: { type: 'string', default: '14' },
    shortest: { type: 'string', default: '2' },
    people: { type: 'string', default: '1000' },
    lines: { type: 'boolean', default: false },
  },
});
const data = speechFolder(positionals[0]);
const [enrolWith, verifyWith, least, shortest, most] = [
  values.enrol,
  values.verify,
  values.least,
  values.shortest,
  values.people,
].map(Number);
/** Strangers beside the one who tries, one recording each. */
const OTHERS = 10;
const GROUP = 'learning';

/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('../reliability/service.mjs').Service} Service */
/** A recording, and the line that it is heard over. @typedef {{ path: string, line: import('./lines.mjs').Line }} Heard */
/** Errors and requests. @typedef {{ own: [number, number], trying: [number, number], others: [number, number] }} Errors */
/** @typedef {{ taught: number, learned: number, reasons: string[], strangers: number, strangersLearned: number, restored: boolean, before: Errors, after: Errors }} Result */

const able = shuffled(readPeople(data, values.pool, shortest).filter(({ recordings }) => recordings.length >= least));
const enrolled = able.slice(0, Math.min(most, Math.floor(able.length / 2)));
const strangers = able.slice(enrolled.length);
const recording = recordingsOf(data);
const lines = values.lines ? LINES : LINES.slice(0, 1);
const machine = describeMachine();
const passes = [
  { name: 'learned by itself', results: await pass(false) },
  { name: 'learned, and confirmed where evidence is lacking', results: await pass(true) },
];
const report = reportOf();
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/**
 * A service of its own: what was undone is not learned again.
 * @param {boolean} confirms whether somebody says of the person's own recordings that they are
 * @returns {Promise<Result[]>}
 */
function pass(confirms) {
  const settings = { ...modelSettings(values), TIMBRE_CONFIRM_MINUTES: '60' };
  return withService(settings, async (service) => {
    await service.postJson('/v1/groups', { id: GROUP });
    const able = await mapInLanes(enrolled, ({ id, recordings }) =>
      enrol(
        service,
        { id, groups: [GROUP] },
        recordings.slice(0, enrolWith).map((path) => recording(path)),
      ),
    );
    const ready = enrolled.filter((_, i) => able[i]);
    const before = await mapInLanes(ready, (person) => errorsOf(service, person));
    const kept = await mapInLanes(ready, (person) => voiceOf(service, person));
    const since = new Date().toISOString();
    await setLearning(service, 'on');
    const lessons = await mapInLanes(ready, (person) => teach(service, person, confirms));
    await setLearning(service, 'off');
    const after = await mapInLanes(ready, (person) => errorsOf(service, person));
    await mapInLanes(ready, ({ id }) => service.postJson(`/v1/speakers/${id}/ledger/undo`, { since }));
    const undone = await mapInLanes(ready, (person) => voiceOf(service, person));
    return ready.map((_, i) => ({
      .../** @type {Awaited<ReturnType<typeof teach>>} */ (lessons[i]),
      restored: kept[i] === undone[i],
      before: /** @type {Errors} */ (before[i]),
      after: /** @type {Errors} */ (after[i]),
    }));
  });
}

/** @param {Service} service @param {'on' | 'off'} setting */
function setLearning(service, setting) {
  const headers = { 'content-type': 'application/json' };
  return service.call(`/v1/groups/${GROUP}/learning`, { method: 'PUT', headers, body: JSON.stringify({ setting }) });
}

/**
 * The person's last recordings, the last of the stranger who tries, and those of other strangers.
 * @param {Service} service @param {Person} person @returns {Promise<Errors>}
 */
async function errorsOf(service, { id, recordings, source }) {
  const [first, ...rest] = strangersOf({ id, source });
  const own = await accepted(service, id, heardOver(recordings.slice(-verifyWith)));
  const trying = await accepted(service, id, heardOver(first?.recordings.slice(-verifyWith) ?? []));
  const last = rest.slice(0, OTHERS).map((stranger) => /** @type {string} */ (stranger.recordings.at(-1)));
  const others = await accepted(service, id, heardOver(last));
  return {
    own: [own.heard - own.accepted, own.heard],
    trying: [trying.accepted, trying.heard],
    others: [others.accepted, others.heard],
  };
}

/** Each over every line. @param {readonly string[]} paths @returns {Heard[]} */
function heardOver(paths) {
  return paths.flatMap((path) => lines.map((line) => ({ path, line })));
}

/** Recordings with too little speech to decide are not counted. @param {Service} service @param {string} id @param {readonly Heard[]} asked */
async function accepted(service, id, asked) {
  let [heard, yes] = [0, 0];
  for (const one of asked) {
    const { decision } = await verify(service, id, one);
    if (decision === 'NOT_ENOUGH_SPEECH') continue;
    heard++;
    if (decision === 'ACCEPT') yes++;
  }
  return { heard, accepted: yes };
}

/**
 * The person's recordings between the first and the last, each followed by one of the stranger who tries.
 * @param {Service} service @param {Person} person @param {boolean} confirms
 */
async function teach(service, { id, source, recordings }, confirms) {
  const own = heardOver(recordings.slice(enrolWith, -verifyWith));
  const trying = heardOver(strangersOf({ id, source })[0]?.recordings.slice(0, -verifyWith) ?? []);
  /** @type {string[]} */
  const reasons = [];
  let [learned, strangersLearned] = [0, 0];
  for (let i = 0; i < Math.max(own.length, trying.length); i++) {
    const [mine, his] = [own[i], trying[i]];
    if (mine !== undefined) {
      const { learning, verificationId } = await verify(service, id, mine);
      const lesson = confirms && verificationId ? await confirm(service, verificationId) : learning;
      if (lesson?.learned) learned++;
      else reasons.push(lesson?.reason ?? 'NOT_ENOUGH_SPEECH');
    }
    if (his !== undefined && (await verify(service, id, his)).learning?.learned) strangersLearned++;
  }
  return { taught: own.length, learned, reasons, strangers: trying.length, strangersLearned };
}

/** @param {Service} service @param {string} verificationId */
function confirm(service, verificationId) {
  return service.call(`/v1/verifications/${verificationId}/confirm`, { method: 'POST' });
}

/** What the profile is, and its recordings. @param {Service} service @param {Person} person */
async function voiceOf(service, { id }) {
  const profile = await service.call(`/v1/speakers/${id}/profile?embedding=true`);
  return JSON.stringify({ ...profile, updatedAt: undefined });
}

/** @param {Service} service @param {string} id @param {Heard} heard */
async function verify(service, id, { path, line }) {
  try {
    return await service.postForm(`/v1/speakers/${id}/verify`, [overLine(recording(path), line)]);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'AUDIO_TOO_SHORT') return { decision: 'NOT_ENOUGH_SPEECH' };
    throw error;
  }
}

/** Those of the same source first. @param {Pick<Person, 'id' | 'source'>} person */
function strangersOf({ id, source }) {
  const from = enrolled.findIndex((one) => one.id === id);
  const turned = [...strangers.slice(from % strangers.length), ...strangers.slice(0, from % strangers.length)];
  return [...turned.filter((one) => one.source === source), ...turned.filter((one) => one.source !== source)];
}

function reportOf() {
  /** @typedef {'own' | 'trying' | 'others'} Kind */
  const rate =
    (/** @type {'before' | 'after'} */ when, /** @type {Kind} */ kind) => (/** @type {readonly Result[]} */ of) => {
      const [errors, requests] = of.reduce(([k, n], { [when]: at }) => [k + at[kind][0], n + at[kind][1]], [0, 0]);
      return (100 * (errors ?? 0)) / (requests ?? 0);
    };
  const cell = (/** @type {readonly Result[]} */ results, /** @type {(of: readonly Result[]) => number} */ statistic) =>
    `${statistic(results).toFixed(2)} [${intervalOver(results, statistic)
      .map((bound) => bound.toFixed(2))
      .join(', ')}]`;
  const rows = passes.flatMap(({ name, results }, i) => {
    const row = (/** @type {string} */ title, /** @type {'before' | 'after'} */ when) =>
      `| ${title} | ${/** @type {const} */ (['own', 'trying', 'others']).map((kind) => cell(results, rate(when, kind))).join(' | ')} |`;
    return [...(i === 0 ? [row('as enrolled', 'before')] : []), row(name, 'after')];
  });
  const details = passes.map(({ name, results }) => {
    const fewer = cell(results, (of) => rate('before', 'own')(of) - rate('after', 'own')(of));
    const sum = (/** @type {(one: Result) => number} */ of) => results.reduce((total, one) => total + of(one), 0);
    /** @type {Map<string, number>} */
    const reasons = new Map();
    for (const reason of results.flatMap((one) => one.reasons)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const refused = [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `${reason} ${count}`);
    return (
      `- ${name}: ${sum((one) => one.learned)} of ${sum((one) => one.taught)} recordings (not: ${refused.join(', ')}); of the strangers who ` +
      `try ${sum((one) => one.strangersLearned)} of ${sum((one) => one.strangers)}, with ${results.filter((one) => one.strangersLearned > 0).length} of ${results.length} people. Misses fewer by ${fewer} points. Undone, ` +
      `${results.filter(({ restored }) => restored).length} of ${results.length} profiles are those of before, bit for bit.`
    );
  });
  const heardSo = values.lines
    ? ` Each but the enrolled ones is heard ${lines.map(({ name }) => name).join(', ')}.`
    : '';
  return `# Profiles that learn

\`node bench/js/learning.mjs ${commandWords()}\`

${machine}
- model ${values.model}; ${passes[0]?.results.length ?? 0} people of ${values.pool.join(' and ')} enrolled with ${enrolWith} recordings, ${strangers.length} strangers; recordings of ${shortest} s or more

In per cent of verifications at the service's own rate (1 %), with the 95 % interval over people. Everybody's last ${verifyWith} recordings are
verified, before and after; those between the first and the last are learned from, ${Math.max(...passes.flatMap(({ results }) => results.map(({ taught }) => taught)))} each at most, and in turn with them the recordings of a
stranger who tries are verified, of the same source where there is one.${heardSo}

| profiles | misses | the stranger who tries accepted | other strangers accepted |
| --- | ---: | ---: | ---: |
${rows.join('\n')}

${details.join('\n')}
`;
}
