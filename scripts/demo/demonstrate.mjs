// The demonstration itself; imported after the set-up has built what it needs.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { convertCheckpoint, readManifest, SpeakerEncoder } from '../../dist/addon/index.js';
import { Failure } from '../setup/failure.mjs';
import { SAMPLES } from '../setup/steps/samples.mjs';
import { comparePairs, cosineTable, separation } from './comparison.mjs';

/**
 * @param {string} root
 * @param {string | undefined} wanted a bundle's file or id
 */
export async function demonstrate(root, wanted) {
  const samples = SAMPLES.filter(({ file }) => existsSync(path.join(root, file)));
  if (samples.length === 0) {
    throw new Failure(
      'there are no sample recordings: espeak-ng, which speaks them, is not installed',
      'Install it (Debian: sudo apt-get install -y espeak-ng) and run the same command again,\n' +
        'or compare recordings of your own: npx timbre compare a.wav b.wav',
    );
  }
  const model = wanted ?? (await bestModel(root));
  const encoder = await SpeakerEncoder.load({ model });
  try {
    const started = performance.now();
    const items = await encoder.embedBatch(samples.map(({ file }) => path.join(root, file)));
    const seconds = (performance.now() - started) / 1000;
    const embedded = items.flatMap((item) => {
      if ('error' in item) throw item.error;
      return [{ speaker: samples[item.index]?.speaker ?? '', ...item.result }];
    });
    const audio = embedded.reduce((sum, each) => sum + each.audio.seconds, 0);
    const speakers = [...new Set(embedded.map(({ speaker }) => speaker))];
    const { same, different, bySpeakers } = comparePairs(embedded, (a, b) => encoder.cosine(a, b));
    const { manifest, device, workers } = encoder.info();
    print(`
${embedded.length} recordings of ${speakers.length} synthetic voices (samples/, spoken by espeak-ng): ${audio.toFixed(1)} s of audio
embedded in ${seconds.toFixed(2)} s on ${device} with ${workers} ${workers === 1 ? 'worker' : 'workers'}, by ${encoder.info().model}

Mean cosine of the voices' recordings (the diagonal: the same voice, other words)
${cosineTable(speakers, bySpeakers)}

${separation(same, different)}

${worth(manifest)}
Synthetic voices say little about real ones: a synthesiser has no moods, colds or telephones.

Now your own:  npx timbre compare yours-1.wav yours-2.wav`);
  } finally {
    await encoder.close();
  }
}

/** @param {string} text */
const print = (text) => process.stdout.write(`${text}\n`);

/**
 * The bundled model, else a trained one of the model cache, else one with untrained weights.
 * @param {string} root
 */
async function bestModel(root) {
  const bundled = path.join(root, 'models', 'starter.pt');
  if (existsSync(bundled)) return bundled;
  const cache = path.resolve(root, process.env['MODEL_CACHE_DIR'] || 'models');
  const bundles = existsSync(cache) ? readdirSync(cache).filter((name) => name.endsWith('.pt')) : [];
  /** @type {string[]} */
  const trained = [];
  for (const file of bundles.map((name) => path.join(cache, name))) {
    const manifest = await readManifest(file).catch(() => undefined);
    if (manifest?.trained) trained.push(file);
  }
  // The larger the model, the better, as a rule.
  const [best] = trained.sort((a, b) => statSync(b).size - statSync(a).size);
  if (best) return best;

  const out = path.join(root, '.cache', 'demo', 'untrained.pt');
  mkdirSync(path.dirname(out), { recursive: true });
  if (!existsSync(out)) {
    const checkpoint = path.join(root, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
    await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'untrained', out, facts: { trained: false } });
  }
  return out;
}

/**
 * What the model is worth, by its own manifest.
 * @param {import('../../dist/addon/index.js').ManifestJson} manifest
 */
function worth(manifest) {
  if (!manifest.trained) {
    return (
      'This model is untrained: its weights come from a formula, and its scores mean nothing. It shows that\n' +
      'everything works; for scores that mean something get a trained model: npx timbre models pull --help'
    );
  }
  const rates = errorRates(manifest['evaluation']);
  return rates.length > 0
    ? `What the model is worth, measured on real voices (equal error rate, lower is better):\n${rates.map((rate) => `  ${rate}`).join('\n')}`
    : 'The model says nothing about how well it tells real voices apart: measure it on yours with npx timbre evaluate.';
}

/**
 * Equal error rates of an evaluation, with what each was measured on.
 * @param {unknown} evaluation
 * @returns {string[]}
 */
function errorRates(evaluation) {
  if (!Array.isArray(evaluation)) return [];
  return evaluation.flatMap((/** @type {{ part?: unknown, eer?: unknown } | null} */ row) =>
    typeof row?.eer === 'number' && typeof row.part === 'string'
      ? [`${(100 * row.eer).toFixed(1).padStart(5)} %  ${row.part}`]
      : [],
  );
}
