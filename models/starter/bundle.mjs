// A finished training run to models/starter.pt: converted, with its facts, calibration, thresholds and cohort.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint } from '../../dist/addon/bundles.js';
import { ROOT, timbre } from './tools.mjs';

/** The part of `dev` that the calibration is learned on: sentences, at full bandwidth, by many speakers. */
const CALIBRATED_ON = ['common_voice_*', 'speechocean762'];
/** Chosen on `dev`: AS-norm lowers EER, detection costs and Cllr on nearly every part of it. */
const NORM = 'as';

const TEACHER = {
  name: 'Resemblyzer 0.1.4',
  licence: 'Apache-2.0',
  architecture: 'LSTM, 256 dimensions (GE2E, Wan et al. 2018)',
  trainedOn: 'LibriSpeech-other, VoxCeleb1, VoxCeleb2',
  use: 'its embeddings of the training recordings are targets of a distillation loss; nothing of it is in the bundle',
};

/**
 * @param {{ run: string, data: string, work: string, out: string, commit: string, command: string, machine: string }} options
 */
export async function makeBundle({ run, data, work, out, commit, command, machine }) {
  const training = JSON.parse(readFileSync(join(run, 'training.json'), 'utf8'));
  const facts = {
    trained: true,
    licence: 'Apache-2.0',
    description: 'Small ECAPA-TDNN of this repository, trained on openly licensed speech; see models/starter.md',
    training: {
      sources: sourcesOf(data),
      teacher: TEACHER,
      speakers: training.speakers,
      recordings: training.recordings,
      hours: training.hours,
      seed: training.recipe.seed,
      steps: training.steps,
      minutes: Math.round(training.seconds / 60),
      startedFrom: earlierRun(training.started_from),
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
    version: '2',
    out,
    storage: 'fp16',
    facts,
  });
  const selected = CALIBRATED_ON.flatMap((pattern) => ['--select', pattern]);
  // Strangers in another source are told apart by its microphones and language: they would flatter the evidence.
  const groups = ['--groups', `${join(data, 'files.tsv')}:source`, '--within'];
  const cache = ['--cache', join(work, 'embeddings')];
  timbre('calibrate', join(data, 'trials_dev.txt'), '--model', out, '--norm', NORM, ...groups, ...selected, ...cache,
    '--bundle', out); // prettier-ignore
}

/** The run that a run took its weights from, if any. */
function earlierRun(run) {
  if (!run) return null;
  const { seconds, steps, recipe, started_from } = run;
  return { steps, minutes: Math.round(seconds / 60), seed: recipe.seed, startedFrom: earlierRun(started_from) };
}

/** The training recordings by source, with licences and hours. */
function sourcesOf(data) {
  const [header, ...lines] = readFileSync(join(data, 'files.tsv'), 'utf8').trim().split('\n');
  const columns = header.split('\t');
  const sources = new Map();
  for (const line of lines) {
    const row = Object.fromEntries(line.split('\t').map((value, i) => [columns[i], value]));
    if (row.split !== 'train' && row.split !== 'single') continue;
    // Common Voice comes as one source a language.
    const name = row.source.startsWith('common_voice') ? 'common_voice' : row.source;
    const known = sources.get(name) ?? { name, licence: row.licence, recordings: 0, seconds: 0 };
    known.recordings++;
    known.seconds += Number(row.seconds);
    sources.set(name, known);
  }
  return [...sources.values()]
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ seconds, ...source }) => ({ ...source, hours: Math.round(seconds / 36) / 100 }));
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
