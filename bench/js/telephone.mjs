// How many people are found on telephone calls in which level, tilt and codec change within each voice.
//
//   npm run build && timbre models pull segmentation
//   python bench/python/telephone_calls.py CONVERSATIONS SPEECH CALLS
//   node bench/js/telephone.mjs CALLS [--models starter] [--part reported] [--cache FOLDER] [--kept] [--out FILE]
//
// What the networks say of a recording is kept in the folder of --cache; --kept leaves out what is not there yet.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { diarisationErrors, errorRate, sumErrors } from '../../dist/evaluation/diarisation.js';
import { describeMachine, ROOT } from './machine.mjs';
import { keptFile, readLabelled, turnsBy } from './recipes.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'starter' },
    part: { type: 'string', default: 'reported' },
    kept: { type: 'boolean', default: false },
    cache: { type: 'string', default: join(ROOT, 'runs', 'recipes') },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'telephone.md') },
  },
});
const root = positionals[0];
if (root === undefined) throw new Error('name the folder with the calls');
const machine = describeMachine();

const [head = '', ...lines] = readFileSync(join(root, 'manifest.tsv'), 'utf8').trim().split('\n');
const columns = head.split('\t');
const calls = new Map(
  lines.map((line) => {
    const cells = line.split('\t');
    const row = Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    return [row.file, row];
  }),
);
const recordings = readLabelled(root).filter(({ id }) => calls.get(id)?.part === values.part);
const KINDS = /** @type {const} */ ([
  ['call', 2],
  ['auto', undefined],
]);
const RECIPES = [
  { name: 'as built in', fields: {} },
  { name: 'cosines alone', fields: { window_weight: 0, stranger_share: 0 } },
];
/** @param {number} share */
const percent = (share) => (Number.isFinite(share) ? (100 * share).toFixed(1) : '-');

/** @param {string} model */
async function measure(model) {
  const there = recordings.filter(({ id }) => !values.kept || existsSync(keptFile(values.cache, model, id)));
  const rows = [];
  for (const [kind, most] of KINDS) {
    const found = await turnsBy({
      model,
      cache: values.cache,
      recordings: there,
      recipes: RECIPES,
      ...(most && { most }),
    });
    for (const { name } of RECIPES) {
      for (const [i, { id, turns }] of there.entries()) {
        const { people, group } = calls.get(id) ?? {};
        const own = found.get(name)?.[i] ?? [];
        const errors = diarisationErrors(turns, own);
        rows.push({
          recipe: name,
          kind,
          people: Number(people),
          group,
          errors,
          found: new Set(own.map(({ speaker }) => speaker)).size,
        });
      }
    }
  }
  return { model, rows };
}

const measured = [];
for (const model of values.models.split(',')) measured.push(await measure(model));

/** @param {{ people: number, errors: import('../../dist/evaluation/diarisation.js').DiarisationErrors, found: number }[]} rows */
function cells(rows) {
  const sum = sumErrors(rows.map(({ errors }) => errors));
  const counts = [1, 2, 3, 4].map((n) => rows.filter(({ found }) => found === n || (n === 4 && found > 4)).length);
  return `${sum.countRight}/${sum.recordings} | **${percent(sum.countRight / sum.recordings)}** | ${counts.join(' | ')} | ${percent(errorRate(sum))} | ${percent(sum.confusion / sum.speech)}`;
}

const ways = /** @type {const} */ ([
  ['call', 2],
  ['auto', 2],
  ['auto', 3],
  ['call', 1],
  ['auto', 1],
]);
const table = measured.flatMap(({ model, rows }) =>
  RECIPES.flatMap(({ name }) =>
    ways.map(([kind, people]) => {
      const own = rows.filter((row) => row.recipe === name && row.kind === kind && row.people === people);
      return `| ${model} | ${name} | ${people} | \`${kind}\` | ${cells(own)} |`;
    }),
  ),
);
const groups = [...new Set([...calls.values()].filter(({ part }) => part === values.part).map(({ group }) => group))];
const byGroup = measured.flatMap(({ model, rows }) =>
  groups.map((group) => {
    const right = KINDS.map(([kind]) => {
      const own = rows.filter(
        (row) => row.recipe === RECIPES[0]?.name && row.kind === kind && row.people === 2 && row.group === group,
      );
      return `${own.filter(({ found }) => found === 2).length}/${own.length}`;
    });
    return `| ${model} | ${group} | ${right.join(' | ')} |`;
  }),
);
const minutes =
  [...calls.values()]
    .filter(({ part }) => part === values.part)
    .reduce((sum, { seconds }) => sum + Number(seconds), 0) / 60;
const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const report = `# Telephone calls

\`node bench/js/telephone.mjs CALLS --models ${values.models}\` on ${recordings.length} calls, ${minutes.toFixed(0)} minutes, by \`bench/python/telephone_calls.py\`:
utterances of volunteers, of telephone recordings and of read books, in turns, one channel of 8 kHz. Every 8 to 25 s the level of a voice changes
(standard deviation 6 dB), its tilt (2.5 dB per octave), and mostly its codec: G.711, GSM, G.723.1, Speex and Opus. The
people are of \`dev\` and \`libri\`; what is chosen on calls was chosen on others, of people of \`train\` who are held out of the bundled
model's training. Read sentences are no dialogue, and these lines change more often than most do.

${machine}

How often the number of people was right, the counts that were found, and the error rate (no collar, overlap scored) with
the confusion in it, per cent. Calls of three and of one show that not everything is taken for two. \`cosines alone\` is
without what windows say and without a share for strangers.${values.kept ? ' Rows with fewer calls were cut short.' : ''}

| model | recipe | people | kind | right | % | 1 | 2 | 3 | 4 or more | DER | confusion |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

Calls of two by the kind of recordings:

| model | recordings | right, \`call\` | right, \`auto\` |
| --- | --- | --- | --- |
${byGroup.join('\n')}

Measured at ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);
