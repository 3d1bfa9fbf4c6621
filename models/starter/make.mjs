// Makes the bundled model of a finished training run, measures it and writes its card:
//
//   npm run build
//   node models/starter/make.mjs --run ../runs/bundled --data ../shared/speech --before before.pt --command 'python -m ...'
//
// Writes models/starter.pt, models/starter.json (all results), models/starter.md, docs/comparison.md and the figures of
// README.md. --only with bundle, calibrate, measure, evidence or card does that step alone. calibrate learns what scores are worth
// anew, for the bundle that is there: its weights, and with them the identity, stay. evidence then measures what changes by that. --before names the bundle of before, to compare with.
// --conditions and --systems, lists with commas, measure these alone; a measurement that was cut goes on where it was, and
// the card says of the rest that it was not measured. Embeddings, copies and results are kept in --work.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { readManifest, updateManifest } from '../../dist/addon/bundles.js';
import { PUBLISHED_MODELS } from '../../dist/models/registry.js';
import { makeBundle, trainingCommit } from './bundle.mjs';
import { calibrateBundle } from './calibration.mjs';
import { cardOf, summaryOf } from './card.mjs';
import { comparisonOf, readmeFigures } from './comparison.mjs';
import { measure, measureEvidence } from './measure.mjs';
import { CONDITIONS, SYSTEMS } from './plan.mjs';
import { ROOT } from './tools.mjs';

const { values } = parseArgs({
  options: {
    run: { type: 'string' },
    data: { type: 'string' },
    before: { type: 'string' },
    work: { type: 'string', default: join(ROOT, '.cache', 'starter-card') },
    out: { type: 'string', default: join(ROOT, 'models') },
    command: { type: 'string', default: 'python -m training --data ../../shared/speech --out ../runs/bundled' },
    commit: { type: 'string' },
    machine: { type: 'string', default: '2 cores' },
    only: { type: 'string' },
    conditions: { type: 'string' },
    systems: { type: 'string' },
  },
});
// Programs that this one starts run in other folders.
for (const path of ['run', 'data', 'before', 'work', 'out']) {
  if (values[path] !== undefined) values[path] = resolve(values[path]);
}
const STEPS = ['bundle', 'calibrate', 'measure', 'evidence', 'card'];
const bundle = join(values.out, 'starter.pt');
const results = join(values.out, 'starter.json');
const does = (step) => oneOf('only', STEPS).includes(step);

/** The values of an option that is a list, all where it is not given. Throws where one is unknown. */
function oneOf(option, known) {
  const asked = values[option]?.split(',') ?? known;
  const unknown = asked.filter((one) => !known.includes(one));
  if (unknown.length > 0) throw new Error(`--${option}: ${unknown.join(', ')} is none of ${known.join(', ')}`);
  return asked;
}

if (does('bundle')) {
  const { run, data, command, machine, commit = trainingCommit() } = values;
  if (!run || !data) throw new Error('--run and --data are needed to make the bundle');
  await makeBundle({ run, data, out: bundle, commit, command, machine });
  const curve = join(run, 'curve.svg');
  // Weights of a bundle that were finished anew have no curve of their own.
  if (existsSync(curve)) copyFileSync(curve, join(values.out, 'starter-training.svg'));
}
if (does('bundle') || does('calibrate')) {
  const { data, work } = values;
  if (!data) throw new Error('--data is needed to calibrate');
  await calibrateBundle({ bundle, data, work });
}
if (does('measure')) {
  const { data, work, before } = values;
  if (!data) throw new Error('--data is needed to measure');
  const conditions = oneOf('conditions', [...CONDITIONS.map(({ id }) => id), 'speed']);
  const measured = await measure({ bundle, before, data, work, conditions, systems: oneOf('systems', SYSTEMS) });
  writeFileSync(results, `${JSON.stringify(measured)}\n`);
  await updateManifest(bundle, { evaluation: summaryOf(measured) }, bundle);
}
if (values.only?.split(',').includes('evidence')) {
  const { data, work } = values;
  if (!data) throw new Error('--data is needed to measure');
  const conditions = oneOf('conditions', CONDITIONS.map(({ id }) => id)); // prettier-ignore
  const measured = JSON.parse(readFileSync(results, 'utf8'));
  const anew = await measureEvidence({ bundle, data, work, conditions, measured });
  writeFileSync(results, `${JSON.stringify(anew)}\n`);
  await updateManifest(bundle, { evaluation: summaryOf(anew) }, bundle);
}
if (does('card')) {
  const [measured, manifest] = [JSON.parse(readFileSync(results, 'utf8')), await readManifest(bundle)];
  writeFileSync(join(values.out, 'starter.md'), cardOf(manifest, measured));
  // Beside another folder than the package's own, its pages stay as they are.
  const docs = values.out === join(ROOT, 'models') ? join(ROOT, 'docs') : values.out;
  await writePage(join(docs, 'comparison.md'), comparisonOf(manifest, measured, PUBLISHED_MODELS));
  if (docs !== values.out) await fillReadme(join(ROOT, 'README.md'), readmeFigures(measured));
}

/** Writes Markdown as prettier has it. */
async function writePage(file, text) {
  const options = await resolveConfig(join(ROOT, 'README.md'));
  writeFileSync(file, await format(text, { ...options, parser: 'markdown' }));
}

/** Puts text between the markers of a page. Throws where it has none. */
async function fillReadme(file, text) {
  const page = readFileSync(file, 'utf8');
  const marked = /(<!-- figures of the bundled model -->\n)[^]*?(\n<!-- end of the figures -->)/;
  if (!marked.test(page)) throw new Error(`${file} has no place for the figures of the bundled model`);
  await writePage(
    file,
    page.replace(marked, (_, begin, end) => `${begin}\n${text}\n${end}`),
  );
}
