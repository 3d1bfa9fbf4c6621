// Every number of the starter's card, by `timbre evaluate`: the bundle, two baselines and the teacher.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint } from '../../dist/addon/bundles.js';
import { python, timbre } from './tools.mjs';

export const LISTS = ['libri', 'dev'];
export const CUTS = [1, 2, 3, 5];
export const SYSTEMS = ['starter', 'mfcc', 'random', 'teacher'];
const ENROLMENTS = 3;

/**
 * Results by system, list and condition ("single", "three", "cut-1", ..., "s-norm", "as-norm").
 *
 * @param {{ bundle: string, data: string, work: string }} options `work`: folder for what is made on the way and kept
 */
export async function measure({ bundle, data, work }) {
  mkdirSync(work, { recursive: true });
  for (const list of LISTS) {
    python('training.enrolments', '--data', data, '--trials', `trials_${list}.txt`, '--recordings', String(ENROLMENTS),
      '--out-trials', join(work, `enrolled_${list}.txt`), '--out-map', join(work, `enrolments_${list}.txt`)); // prettier-ignore
  }
  const random = await randomBundle(work);
  const results = {};
  for (const system of SYSTEMS) {
    results[system] = {};
    for (const list of LISTS) {
      const conditions = (results[system][list] = {});
      const evaluate = (cut, ...more) => {
        const source = { starter: ['--model', bundle], random: ['--model', random] }[system];
        const input = source
          ? [...source, ...(cut ? ['--cut', String(cut)] : [])]
          : ['--embeddings', vectors(system, data, work, cut)];
        const groups = ['--groups', `${join(data, 'files.tsv')}:source`, '--merge', 'common_voice_*'];
        const norm = more.includes('--norm') ? [] : ['--norm', 'none'];
        const root = ['--root', data, '--cache', join(work, 'embeddings')];
        return JSON.parse(timbre('evaluate', ...more, ...norm, ...root, ...groups, ...input, '--json'));
      };
      const plain = join(data, `trials_${list}.txt`);
      const enrolled = [join(work, `enrolled_${list}.txt`), '--enrol', join(work, `enrolments_${list}.txt`)];
      conditions.single = evaluate(undefined, plain);
      conditions.three = evaluate(undefined, ...enrolled);
      for (const cut of CUTS) conditions[`cut-${cut}`] = evaluate(cut, plain);
      if (system === 'starter') {
        for (const norm of ['s', 'as']) conditions[`${norm}-norm`] = evaluate(undefined, plain, '--norm', norm);
      }
      console.error(`${system} on ${list}: EER ${(100 * conditions.single.results[0].eer).toFixed(2)} %`);
    }
  }
  return results;
}

/** The same network with random weights. */
async function randomBundle(work) {
  const out = join(work, 'random.pt');
  if (existsSync(out)) return out;
  const checkpoint = join(work, 'random.ckpt');
  python('timbre_models.weights', '--family', 'timbre', '--channels', '256', '--out', checkpoint);
  await convertCheckpoint({ checkpoint, family: 'timbre', id: 'random', out });
  return out;
}

/** Embeddings of a baseline that is no bundle. */
function vectors(system, data, work, cut) {
  const out = join(work, `${system}${cut ? `-${cut}` : ''}.jsonl`);
  if (!existsSync(out)) {
    const cutting = cut ? ['--cut', String(cut)] : [];
    python('training.baselines', system, '--data', data, '--splits', ...LISTS, ...cutting, '--out', out);
  }
  return out;
}
