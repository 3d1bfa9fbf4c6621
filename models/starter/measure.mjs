// Every number of the card, by `timbre evaluate`: the bundle, the one before it, CAM++ as it is pulled, Resemblyzer.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { partTable, readTable } from './data.mjs';
import { CONDITIONS, COPIES, FEWER, nameOf, plan, REPORT_FEWER, SYSTEMS } from './plan.mjs';
import { python, timbre } from './tools.mjs';

const ENROLMENTS = 3;
const CAMPPLUS = 'campplus-zh-en';
/** Parts that are counted as one, too. */
const MERGED = ['common_voice_*', '*speech_commands'];
const SPEED_SECONDS = 3;

/**
 * Measures what is asked for and was not measured before, and returns all that was, by the name of its measurement.
 * Embeddings, copies of recordings and results are kept in `work`; a result is used again as long as the network, the
 * list and, for evidence, the calibration are those that it was measured with.
 *
 * @param {{ bundle: string, before?: string, data: string, work: string, conditions: string[], systems: string[] }} options
 *   `conditions`: of CONDITIONS, and `speed`
 */
export async function measure({ bundle, before, data, work, conditions, systems }) {
  const bundles = { starter: bundle, before, campplus: pulled(work) };
  const { rows, context } = await contextOf({ data, work, bundles });

  const possible = new Set(python('training.conditions', '--list').trim().split('\n'));
  const notMeasured = Object.fromEntries(
    COPIES.filter((id) => !possible.has(id)).map((id) => [id, 'this ffmpeg has no encoder for it']),
  );
  const there = plan().filter(
    ({ system, condition }) => !notMeasured[condition] && (system !== 'before' || before !== undefined),
  );
  const wanted = there.filter(({ system, condition }) => systems.includes(system) && conditions.includes(condition));
  const started = Date.now();
  for (const [i, measurement] of wanted.entries()) {
    const name = nameOf(measurement);
    if (known(context, measurement)) continue;
    const from = Date.now();
    measuredOnce(context, measurement);
    const seconds = ((Date.now() - from) / 1000).toFixed(0);
    const minutes = ((Date.now() - started) / 60_000).toFixed(1);
    console.error(`${i + 1} of ${wanted.length}: ${name}, ${seconds} s (${minutes} minutes so far)`);
  }
  const results = Object.fromEntries(
    there.flatMap((measurement) => {
      const result = known(context, measurement);
      return result ? [[nameOf(measurement), result]] : [];
    }),
  );
  const speed = await speedOf(context, conditions.includes('speed'));
  return { lists: listFacts(rows, context.lists), sizes: sizesOf(bundles), speed, notMeasured, results };
}

/**
 * Measures anew what a new calibration changes, evidence, under the conditions that are asked for, and keeps everything else that
 * was measured; evidence of other conditions is left out. The network has to be the one that it was measured with.
 *
 * @param {{ bundle: string, data: string, work: string, conditions: string[], measured: Record<string, any> }} options
 */
export async function measureEvidence({ bundle, data, work, conditions, measured }) {
  const bundles = { starter: bundle };
  const { context } = await contextOf({ data, work, bundles });
  const before = Object.values(measured.results).find(({ model }) => model.startsWith('starter@'));
  const wanted = plan().filter(({ evidence, condition }) => evidence && conditions.includes(condition));
  const found = wanted.map((measurement) => {
    const result = measuredOnce(context, measurement);
    if (result.model !== before?.model) throw new Error(`${before?.model} was measured, this is ${result.model}`);
    return [nameOf(measurement), result];
  });
  const kept = Object.entries(measured.results).filter(([name]) => !name.endsWith('/evidence'));
  const order = new Map(plan().map((measurement, i) => [nameOf(measurement), i]));
  const results = [...kept, ...found].sort(([a], [b]) => order.get(a) - order.get(b));
  return { ...measured, sizes: { ...measured.sizes, ...sizesOf(bundles) }, results: Object.fromEntries(results) };
}

/** The recordings, and what every measurement needs: lists, parts, bundles and what they say of themselves. */
async function contextOf({ data, work, bundles }) {
  mkdirSync(join(work, 'results'), { recursive: true });
  const rows = readTable(data).filter(({ split }) => ['report', 'libri', 'dev'].includes(split));
  const parts = join(work, 'parts.tsv');
  writeFileSync(parts, partTable(rows));
  const lists = trialLists(data, work);
  return { rows, context: { data, work, parts, lists, bundles, manifests: await manifestsOf(bundles) } };
}

/** The result of a measurement: the one that was kept, or a new one, which is kept. */
function measuredOnce(context, measurement) {
  const there = known(context, measurement);
  if (there) return there;
  const result = summary(evaluate(context, measurement));
  const file = resultFile(context, measurement);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ key: keyOf(context, measurement), result }));
  return result;
}

/** The files of the trials, by list: those of single recordings, and those of enrolments. */
function trialLists(data, work) {
  const lists = { libri: join(data, 'trials_libri.txt'), dev: join(data, 'trials_dev.txt') };
  for (const [list, most] of [
    ['report', []],
    [REPORT_FEWER, ['--most', String(FEWER)]],
  ]) {
    lists[list] = join(work, `trials_${list}.txt`);
    if (!existsSync(lists[list])) python('training.report', 'trials', '--data', data, ...most, '--out', lists[list]);
  }
  const enrolled = {};
  for (const list of ['report', 'libri', 'dev']) {
    enrolled[list] = { trials: join(work, `enrolled_${list}.txt`), map: join(work, `enrolments_${list}.txt`) };
    if (existsSync(enrolled[list].map)) continue;
    python('training.enrolments', '--data', data, '--trials', lists[list], '--recordings', String(ENROLMENTS),
      '--out-trials', enrolled[list].trials, '--out-map', enrolled[list].map); // prettier-ignore
  }
  return { single: lists, enrolled };
}

/** CAM++ as `timbre models pull` makes it. */
function pulled(work) {
  const folder = join(work, 'models');
  const file = join(folder, `${CAMPPLUS}.pt`);
  if (!existsSync(file)) timbre(['models', 'pull', CAMPPLUS], { MODEL_CACHE_DIR: folder });
  return file;
}

async function manifestsOf(bundles) {
  const { readManifest } = await import('../../dist/addon/bundles.js');
  const found = Object.entries(bundles).filter(([, file]) => file !== undefined);
  return Object.fromEntries(await Promise.all(found.map(async ([name, file]) => [name, await readManifest(file)])));
}

/** The result that was kept, where it is of the same network, list and calibration; else undefined. */
function known(context, measurement) {
  const file = resultFile(context, measurement);
  if (!existsSync(file)) return undefined;
  const { key, result } = JSON.parse(readFileSync(file, 'utf8'));
  return key === keyOf(context, measurement) ? result : undefined;
}

const resultFile = ({ work }, measurement) => join(work, 'results', `${nameOf(measurement)}.json`);

const sha256 = (content) => createHash('sha256').update(content).digest('hex');

/** Digests of files that stay as they are while this runs, by path. */
const digests = new Map();
function digestOf(file) {
  if (!digests.has(file)) digests.set(file, sha256(readFileSync(file)));
  return digests.get(file);
}

function keyOf({ parts, lists, manifests }, { system, list, condition, evidence }) {
  const manifest = manifests[system];
  const { calibration, thresholds, impostorTail, cohort } = manifest ?? {};
  return sha256(
    JSON.stringify([
      manifest?.identity.value ?? system,
      evidence ? { calibration, thresholds, impostorTail, cohort } : null,
      digestOf(condition === 'three' ? lists.enrolled[list].trials : lists.single[list]),
      digestOf(parts),
    ]),
  );
}

function evaluate(context, { system, list, condition, kept, evidence }) {
  const { data, work, parts, lists, bundles, manifests } = context;
  const { cut, copies } = CONDITIONS.find(({ id }) => id === condition);
  const root = copies ? copiesOf(context, condition) : data;
  const trials =
    condition === 'three' ? [lists.enrolled[list].trials, '--enrol', lists.enrolled[list].map] : [lists.single[list]];
  const norm = evidence ? manifests[system].calibration.norm : 'none';
  const input =
    system === 'resemblyzer'
      ? ['--embeddings', vectors(context, condition, list, root)]
      : ['--model', bundles[system], '--root', root, '--cache', join(work, 'embeddings')];
  return JSON.parse(
    timbre([
      'evaluate', ...trials, ...input, '--groups', `${parts}:part`, ...MERGED.flatMap((part) => ['--merge', part]),
      '--norm', norm, ...(evidence ? ['--within'] : []), ...(kept ? ['--pauses', 'keep'] : []),
      ...(cut !== undefined && system !== 'resemblyzer' ? ['--cut', String(cut)] : []), '--json',
    ]),
  ); // prettier-ignore
}

/** The folder with copies of the recordings of the lists that copies are measured on. */
function copiesOf({ data, work, lists }, condition) {
  const out = join(work, 'conditions');
  const named = [lists.single[REPORT_FEWER], lists.single.libri];
  if (!existsSync(join(out, condition))) {
    python('training.conditions', condition, '--data', data, '--trials', ...named, '--out', out);
  }
  return join(out, condition);
}

/** Embeddings of Resemblyzer itself: of whole recordings, of cuts, or of copies. */
function vectors({ data, work, lists }, condition, list, root) {
  const { cut, copies } = CONDITIONS.find(({ id }) => id === condition);
  const out = join(work, `resemblyzer-${cut === undefined && !copies ? 'whole' : condition}.jsonl`);
  const cutting = cut === undefined ? [] : ['--cut', String(cut)];
  python('training.baselines', 'resemblyzer', '--data', data, '--trials', lists.single[list], '--root', root,
    ...cutting, '--out', out); // prettier-ignore
  return out;
}

/** What the card needs of an evaluation, by part. */
function summary({ model, recordings, norm, results }) {
  const parts = results.map(({ group, table, ...rates }) => {
    const strict = table.find(({ asked }) => asked === 0.01);
    return [group, { ...rates, frrAtFar1: strict?.frr ?? null }];
  });
  return { model, recordings, norm, parts: Object.fromEntries(parts) };
}

function listFacts(rows, { single }) {
  const rowOf = new Map(rows.map((row) => [row.path, row]));
  return Object.fromEntries(
    Object.entries(single).map(([list, file]) => {
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      const trials = lines.map((line) => line.split(' '));
      const paths = [...new Set(trials.flatMap(([, first, test]) => [first, test]))];
      const targets = trials.filter(([label]) => label === '1').length;
      const own = paths.map((path) => rowOf.get(path));
      return [
        list,
        {
          recordings: paths.length,
          speakers: new Set(own.map(({ speaker }) => speaker)).size,
          hours: Math.round(own.reduce((sum, { seconds }) => sum + Number(seconds), 0) / 36) / 100,
          targets,
          impostors: trials.length - targets,
        },
      ];
    }),
  );
}

/** Bytes of what is fetched or shipped. */
function sizesOf(bundles) {
  const found = Object.entries(bundles).filter(([, file]) => file !== undefined);
  return Object.fromEntries(found.map(([system, file]) => [system, statSync(file).size]));
}

/** Milliseconds for SPEED_SECONDS on one thread, bundles in turns; null where they were never taken. */
async function speedOf({ work, bundles, manifests }, asked) {
  const file = join(work, 'results', 'speed.json');
  const key = sha256(JSON.stringify(SYSTEMS.map((system) => manifests[system]?.identity.value ?? null)));
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    if (kept.key === key) return kept.speed;
  }
  if (!asked) return null;
  const load = loadavg()[0];
  const { timesInTurns } = await import('../../bench/js/times.mjs');
  const names = SYSTEMS.filter((system) => bundles[system] !== undefined);
  const times = await timesInTurns(names.map((system) => bundles[system]), { seconds: SPEED_SECONDS, rounds: 60 }); // prettier-ignore
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const resemblyzer = JSON.parse(python('training.baselines', 'resemblyzer', '--time', String(SPEED_SECONDS)));
  const milliseconds = Object.fromEntries(names.map((system, i) => [system, median(times[i])]));
  const at = names.indexOf('before');
  const speed = {
    seconds: SPEED_SECONDS,
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} processors`,
    load,
    milliseconds: { ...milliseconds, resemblyzer: resemblyzer.milliseconds },
    /** Of the bundle by the one before it, round by round. */
    ratio: at < 0 ? null : median(times[0].map((time, round) => time / times[at][round])),
    resemblyzerBytes: resemblyzer.bytes,
  };
  writeFileSync(file, JSON.stringify({ key, speed }));
  return speed;
}
