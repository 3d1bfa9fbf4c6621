// A finished training run to models/starter.pt: converted, with its facts and cohort.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint } from '../../dist/addon/bundles.js';
import { readTable, sourcesOf } from './data.mjs';
import { ROOT } from './tools.mjs';

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
 * @param {{ run: string, data: string, out: string, commit: string, command: string, machine: string }} options
 */
export async function makeBundle({ run, data, out, commit, command, machine }) {
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
