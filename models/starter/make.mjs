// Makes the bundled model of a finished training run, measures it and writes its card:
//
//   npm run build && node models/starter/make.mjs --run runs/starter --data ../shared/speech --command 'python -m ...'
//
// Writes models/starter.pt, models/starter.json (all results) and models/starter.md. With --only bundle, measure or card
// it does that step alone. Embeddings and baselines are kept in --work, so that a second run takes minutes less.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readManifest, updateManifest } from '../../dist/addon/bundles.js';
import { makeBundle, trainingCommit } from './bundle.mjs';
import { cardOf, summaryOf } from './card.mjs';
import { measure } from './measure.mjs';
import { ROOT } from './tools.mjs';

const { values } = parseArgs({
  options: {
    run: { type: 'string' },
    data: { type: 'string' },
    work: { type: 'string', default: join(ROOT, '.cache', 'starter-card') },
    out: { type: 'string', default: join(ROOT, 'models') },
    command: { type: 'string', default: 'python -m training --data ../../shared/speech --out runs/starter' },
    commit: { type: 'string' },
    machine: { type: 'string', default: '2 cores' },
    only: { type: 'string' },
  },
});
const bundle = join(values.out, 'starter.pt');
const results = join(values.out, 'starter.json');
const does = (step) => values.only === undefined || values.only === step;

if (does('bundle')) {
  const { run, data, work, command, machine, commit = trainingCommit() } = values;
  if (!run || !data) throw new Error('--run and --data are needed to make the bundle');
  await makeBundle({ run, data, work, out: bundle, commit, command, machine });
  const curve = join(run, 'curve.svg');
  // Weights of a bundle that were finished anew have no curve of their own.
  if (existsSync(curve)) copyFileSync(curve, join(values.out, 'starter-training.svg'));
}
if (does('measure')) {
  if (!values.data) throw new Error('--data is needed to measure');
  const measured = await measure({ bundle, data: values.data, work: values.work });
  writeFileSync(results, `${JSON.stringify(measured)}\n`);
  await updateManifest(bundle, { evaluation: summaryOf(measured, await readManifest(bundle)) }, bundle);
}
if (does('card')) {
  const measured = JSON.parse(readFileSync(results, 'utf8'));
  writeFileSync(join(values.out, 'starter.md'), cardOf(await readManifest(bundle), measured));
}
