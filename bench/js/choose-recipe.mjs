// Constants of conversations by leave-one-source-out: for every source those that are best on all others.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   python bench/python/telephone_calls.py CONVERSATIONS SPEECH CALLS
//   node bench/js/choose-recipe.mjs CONVERSATIONS CALLS [--models starter] [--grid windows] [--cache FOLDER] [--kept]
//     [--out FILE]
//
// Sources are AMI, the real call, every group of recordings that synthetic conversations are made of, and the calls of
// the part `chosen`, each of them by each model. --kept leaves out what is not in the folder of --cache.
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
    grid: { type: 'string', default: 'windows' },
    cache: { type: 'string', default: join(ROOT, 'runs', 'recipes') },
    kept: { type: 'boolean', default: false },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'recipe.md') },
  },
});
const [conversations, calls] = positionals;
if (conversations === undefined || calls === undefined)
  throw new Error('name the folders of conversations and of calls');
const machine = describeMachine();
/** What a speaker too many or too few of a recording costs beside the error rate, as a share. */
const COUNT = 0.05;

/**
 * Constants that are tried, by the name of --grid, in the order in which a recipe's name has them: those of the project's
 * own networks, and those that might take windows to CAM++.
 * @typedef {{ fields: Record<string, number[]>, without: string, builtIn: string, of: string, beside: string }} Grid
 * @type {Record<string, Grid>}
 */
const GRIDS = {
  windows: {
    fields: { window_weight: [0, 0.2, 0.25, 0.3], window_floor: [1, 2], stranger_share: [0, 0.03] },
    without: '0/1/0',
    builtIn: '0.25/2/0.03',
    of: 'the bundled model',
    beside: ', beside it and as good, and farther from a weight and a floor that join people',
  },
  campplus: {
    fields: {
      merge: [0.68, 0.72, 0.74, 0.76, 0.78, 0.8],
      window_weight: [0, 0.05, 0.075, 0.1, 0.125],
      stranger_share: [0, 0.01],
    },
    without: '0.68/0/0',
    builtIn: '0.76/0.1/0.01',
    of: 'CAM++',
    beside: '',
  },
};
const grid = GRIDS[values.grid];
if (grid === undefined) throw new Error(`--grid is one of ${Object.keys(GRIDS).join(', ')}`);

/** @type {{ name: string, fields: Record<string, number> }[]} */
let recipes = [{ name: '', fields: {} }];
for (const [field, choices] of Object.entries(grid.fields)) {
  recipes = recipes.flatMap(({ fields }) =>
    choices.map((value) => ({ name: '', fields: { ...fields, [field]: value } })),
  );
}
// Without a weight the floor says nothing.
recipes = recipes.filter(
  ({ fields }) => fields.window_weight !== 0 || fields.window_floor === grid.fields.window_floor?.[0],
);
for (const recipe of recipes) recipe.name = Object.values(recipe.fields).join('/');

/** @param {string} file */
const rowsOf = (file) => {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const columns = head.split('\t');
  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, i) => [columns[i] ?? '', cell])));
};
const groups = new Map(
  rowsOf(join(conversations, 'synthetic', 'manifest.tsv')).map(({ file, group }) => [file, group]),
);
const chosen = readLabelled(calls).filter(({ id }) => id.startsWith('chosen'));
const recordings = [...readLabelled(conversations), ...chosen];
/** @param {string} id */
const sourceOf = (id) =>
  id.startsWith('ami')
    ? 'AMI'
    : id.startsWith('call')
      ? 'call'
      : id.startsWith('chosen')
        ? 'telephone calls'
        : `synthetic, ${groups.get(id)}`;

/** @type {Map<string, Map<string, import('../../dist/evaluation/diarisation.js').DiarisationErrors[]>>} */
const bySource = new Map();
const heard = [];
for (const model of values.models.split(',')) {
  const there = recordings.filter(({ id }) => !values.kept || existsSync(keptFile(values.cache, model, id)));
  const found = await turnsBy({ model, cache: values.cache, recordings: there, recipes });
  heard.push(`${model} ${there.length} of ${recordings.length}`);
  for (const [i, { id, turns }] of there.entries()) {
    const source = `${model}: ${sourceOf(id)}`;
    const rows = bySource.get(source) ?? new Map(recipes.map(({ name }) => [name, []]));
    bySource.set(source, rows);
    for (const { name } of recipes) rows.get(name)?.push(diarisationErrors(turns, found.get(name)?.[i] ?? []));
  }
}

/**
 * @param {string} source
 * @param {string} name
 */
const sumOf = (source, name) => sumErrors(bySource.get(source)?.get(name) ?? []);
/**
 * @param {readonly string[]} sources
 * @param {string} name
 */
function costOf(sources, name) {
  const costs = sources.map((source) => {
    const sum = sumOf(source, name);
    return errorRate(sum) + (COUNT * sum.countError) / sum.recordings;
  });
  return costs.reduce((total, cost) => total + cost, 0) / costs.length;
}
/** @param {readonly string[]} sources */
function bestOf(sources) {
  const ranked = recipes
    .map((recipe) => ({ recipe, cost: costOf(sources, recipe.name) }))
    .sort((a, b) => a.cost - b.cost);
  const [first] = ranked;
  if (!first) throw new Error('there are no recipes');
  return first;
}

/** @param {number} share */
const percent = (share) => (100 * share).toFixed(1);
const sources = [...bySource.keys()].sort();
const overall = bestOf(sources);
/** `builtIn` is by recipe_for() of native/core/conversation/recipe.h. */
const { without, builtIn } = grid;
// What is left out is left out for every model.
const leftOut = new Map(
  sources.map((source) => {
    const kind = source.slice(source.indexOf(': '));
    return [source, bestOf(sources.filter((other) => !other.endsWith(kind))).recipe.name];
  }),
);
/**
 * @param {string} title
 * @param {readonly string[]} of
 */
function line(title, of) {
  const ways = [
    () => without,
    (/** @type {string} */ source) => leftOut.get(source) ?? '',
    () => overall.recipe.name,
    () => builtIn,
  ];
  const cells = ways.map((nameOf) => {
    const sum = sumErrors(of.map((source) => sumOf(source, nameOf(source))));
    return `${percent(errorRate(sum))}, ${sum.countRight}/${sum.recordings}`;
  });
  return `| ${title} | ${cells.join(' | ')} | ${of.length === 1 ? leftOut.get(of[0] ?? '') : ''} |`;
}
const rows = [
  ...sources.map((source) => line(source, [source])),
  ...values.models.split(',').flatMap((model) => [
    line(
      `**${model}: real**`,
      sources.filter((source) => [`${model}: AMI`, `${model}: call`].includes(source)),
    ),
    line(
      `**${model}: synthetic**`,
      sources.filter((source) => source.startsWith(`${model}: synthetic`)),
    ),
  ]),
];
const ranked = recipes.map(({ name }) => ({ name, cost: costOf(sources, name) })).sort((a, b) => a.cost - b.cost);
const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const report = `# Constants of conversations

\`node bench/js/choose-recipe.mjs CONVERSATIONS CALLS --models ${values.models} --grid ${values.grid}\`: every combination of
${Object.entries(grid.fields)
  .map(([field, choices]) => `\`${field}\` (${choices.join(', ')})`)
  .join(', ')}; ${recipes.length} in all, other constants as they are built in.
Chosen is the lowest mean over the sources of the error rate (no collar, overlap scored) and ${COUNT} for each speaker too many or
too few of a recording. Left out: constants chosen on all other sources, whichever the model. Recordings: ${heard.join(', ')}.

${machine}

Error rate in per cent and how often the number of speakers was right, without evidence of windows and without a share for
strangers (as it was before), left out, with what is best on all of it (**${overall.recipe.name}**), and as it is built in for ${grid.of}
(${builtIn}${grid.beside}):

| source | before | left out | best on all | built in | chosen without the source |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

How flat it is: mean cost of the best ${(100 * overall.cost).toFixed(2)}, of the tenth ${(100 * (ranked[9]?.cost ?? NaN)).toFixed(2)}, of the median ${(100 * (ranked[ranked.length >> 1]?.cost ?? NaN)).toFixed(2)}, of before ${(100 * costOf(sources, without)).toFixed(2)}, as built in ${(100 * costOf(sources, builtIn)).toFixed(2)}.

Measured at ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);
