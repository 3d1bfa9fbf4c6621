// A finished training run to models/starter.pt: converted, with its facts, calibration, thresholds and cohort.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint, updateManifest } from '../../dist/addon/bundles.js';
import { partTable, readTable, sourcesOf } from './data.mjs';
import { ROOT, timbre } from './tools.mjs';

/** The part of `dev` that the calibration is learned on: sentences, at full bandwidth, by many speakers. */
const CALIBRATED_ON = ['common_voice_*', 'speechocean762'];
/** The rest of `dev`: what a calibration is chosen by. */
const CHOSEN_BY = ['wuw2', 'msc_malayalam', 'arabic_speech_commands'];
/** What is compared: a recording with one, and with profiles of so many. */
const PROFILES = '3,10';
const CANDIDATES = ['none', 'as'].flatMap((norm) => [false, true].map((durations) => ({ norm, durations })));

const TEACHERS = [
  {
    name: 'CAM++ zh-en common (3D-Speaker)',
    licence: 'Apache-2.0',
    architecture: 'CAM++, 192 dimensions',
    trainedOn: '200,000 speakers of Chinese and English, not published which',
  },
  {
    name: 'Resemblyzer 0.1.4',
    licence: 'Apache-2.0',
    architecture: 'LSTM, 256 dimensions (GE2E, Wan et al. 2018)',
    trainedOn: 'LibriSpeech-other, VoxCeleb1, VoxCeleb2',
  },
];

/**
 * @param {{ run: string, data: string, work: string, out: string, commit: string, command: string, machine: string }} options
 */
export async function makeBundle({ run, data, work, out, commit, command, machine }) {
  mkdirSync(work, { recursive: true });
  const training = JSON.parse(readFileSync(join(run, 'training.json'), 'utf8'));
  const rows = readTable(data);
  const facts = {
    trained: true,
    licence: 'Apache-2.0',
    description: 'Small ECAPA-TDNN of this repository, trained on openly licensed speech; see models/starter.md',
    training: {
      sources: sourcesOf(rows),
      teachers: TEACHERS,
      speakers: training.speakers,
      recordings: training.recordings,
      hours: training.hours,
      seed: training.recipe.seed,
      steps: training.steps,
      minutes: Math.round(training.seconds / 60),
      startedFrom: earlierRun(training.started_from),
      recipe: training.recipe,
      normalisation: training.normalisation,
      machine,
      commit,
      command,
    },
    cohort: cohortOf(join(run, 'cohort.npy')),
  };
  await convertCheckpoint({
    checkpoint: join(run, 'starter.ckpt'),
    family: 'timbre',
    id: 'starter',
    version: '3',
    out,
    storage: 'fp16',
    facts,
  });
  const parts = join(work, 'parts-dev.tsv');
  writeFileSync(parts, partTable(rows.filter(({ split }) => split === 'dev')));
  const tried = CANDIDATES.map((candidate) => tryCalibration(candidate, { bundle: out, data, work, parts }));
  const best = tried.reduce((a, b) => (b.cllr < a.cllr ? b : a));
  timbre(['calibrate', ...calibrating(best, { bundle: out, data, work }), '--bundle', out]);
  await updateManifest(out, { training: { calibrations: tried } }, out);
}

/** Arguments of `timbre calibrate`. */
function calibrating({ norm, durations }, { bundle, data, work }) {
  // Strangers in another source are told apart by its microphones and language: they would flatter the evidence.
  const groups = ['--groups', `${join(data, 'files.tsv')}:source`, '--within'];
  const selected = CALIBRATED_ON.flatMap((pattern) => ['--select', pattern]);
  const options = ['--norm', norm, '--profiles', PROFILES, ...(durations ? ['--durations'] : [])];
  return [join(data, 'trials_dev.txt'), '--model', bundle, ...options, ...groups, ...selected,
    '--cache', join(work, 'embeddings')]; // prettier-ignore
}

/** A calibration, and its Cllr on the parts of `dev` that it is not learned on, their mean by speakers. */
function tryCalibration(candidate, { bundle, data, work, parts }) {
  const { norm, durations } = candidate;
  const file = join(work, `calibration-${norm}${durations ? '-durations' : ''}.json`);
  timbre(['calibrate', ...calibrating(candidate, { bundle, data, work }), '--out', file]);
  const { results } = JSON.parse(
    timbre(['evaluate', join(data, 'trials_dev.txt'), '--model', bundle, '--calibration', file, '--norm', norm,
      '--groups', `${parts}:part`, '--within', ...CHOSEN_BY.flatMap((part) => ['--select', part]),
      '--cache', join(work, 'embeddings'), '--json']),
  ); // prettier-ignore
  const own = results.filter(({ group }) => CHOSEN_BY.includes(group));
  if (own.length === 0) throw new Error(`dev has none of ${CHOSEN_BY.join(', ')}: nothing to choose a calibration by`);
  const byPart = Object.fromEntries(own.map(({ group, cllr, minCllr }) => [group, { cllr, minCllr }]));
  const speakers = own.reduce((sum, result) => sum + result.speakers, 0);
  const cllr = own.reduce((sum, result) => sum + (result.cllr * result.speakers) / speakers, 0);
  console.error(`calibration ${norm}${durations ? ' with durations' : ''}: Cllr ${cllr.toFixed(3)} on the rest of dev`);
  return { norm, durations, cllr, byPart };
}

/** The run that a run took its weights from, if any. */
function earlierRun(run) {
  if (!run) return null;
  const { seconds, steps, recipe, started_from } = run;
  return { steps, minutes: Math.round(seconds / 60), seed: recipe.seed, startedFrom: earlierRun(started_from) };
}

/** float16[speakers, dim] of a .npy file, as a manifest carries vectors. */
function cohortOf(path) {
  const file = readFileSync(path);
  const header = file.subarray(10, 10 + file.readUInt16LE(8)).toString('latin1');
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!shape || !header.includes("'<f2'") || !header.includes("'fortran_order': False")) {
    throw new Error(`${path} is no float16 matrix: ${header}`);
  }
  const data = file.subarray(10 + file.readUInt16LE(8)).toString('base64');
  return { speakers: Number(shape[1]), dim: Number(shape[2]), encoding: 'float16-base64', data };
}

/** The commit that the code of a training run is of, unless it is told. */
export function trainingCommit() {
  const paths = ['models/training', 'models/timbre_models'];
  return execFileSync('git', ['log', '-1', '--format=%H', '--', ...paths], { cwd: ROOT, encoding: 'utf8' }).trim();
}
