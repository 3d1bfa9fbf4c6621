// Timbre beside the runtimes that a user would take instead: the same weights, recordings and processors, in turns.
//
//   npm --prefix bench/peers ci --ignore-scripts        once; they are no dependency of the project
//   npm run build && node bench/js/peers.mjs [--python PYTHON] [--audio ../shared/speech/libri] [--rounds 5]
//     [--seconds 2] [--cores 0,1] [--out FILE]
//
// --python is one that imports speechbrain; without it SpeechBrain is left out. Without --audio a voice by formula
// speaks. --out names the report; its plot lies beside it, as .svg. The weights are a formula of the published size
// (1024 channels, 20.8 M parameters): speed does not depend on them, and every runtime has to give their embeddings;
// how far int8 is from fp32 on trained weights is for docs/models.md and bench/js/int8.mjs to say.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { convertCheckpoint } from '../../dist/addon/index.js';
import { buildPrograms } from './build.mjs';
import { describeMachine, formulaBundle, quantile, ROOT } from './machine.mjs';
import { barPanels } from './plots.mjs';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    audio: { type: 'string', default: join(ROOT, '..', 'shared', 'speech', 'libri') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    lengths: { type: 'string', default: '1,3,10,30' },
    channels: { type: 'string', default: '1024' },
    cores: { type: 'string', default: '0,1' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'peers.md') },
  },
});
const LENGTHS = values.lengths.split(',');
/** At most so many recordings are joined for the longest clip. */
const RECORDINGS = 12;
const PEERS = join(ROOT, 'bench', 'peers');
if (!existsSync(join(PEERS, 'node_modules', 'onnxruntime-node'))) {
  throw new Error('the peers are not installed: npm --prefix bench/peers ci --ignore-scripts');
}

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {'timbre' | 'onnxruntime' | 'sherpa' | 'speechbrain'} kind
 * @property {boolean} [int8] whether it multiplies in 8 bits; fp32 otherwise
 * @property {number} processors that it keeps busy
 * @property {string[]} command
 */

/** Where a kind begins: what comes before is not in its figures. */
const BEGINS = { timbre: 'samples', onnxruntime: 'features', sherpa: 'samples', speechbrain: 'samples' };

/**
 * @param {string} folder of models
 * @param {{ fp32: string, int8: string }} bundles
 * @param {string} clips
 * @returns {Contender[]}
 */
function contenders(folder, bundles, clips) {
  const node = (/** @type {string} */ script, /** @type {(string | number)[]} */ ...words) => [
    process.execPath,
    join(PEERS, script),
    ...words.map(String),
  ];
  const onnx = (/** @type {string} */ file, /** @type {number} */ workers, /** @type {number} */ threads) =>
    node('onnxruntime.mjs', join(folder, file), clips, workers, threads);
  const { python } = values;
  const speechbrain = (/** @type {number} */ threads) => {
    const script = join(ROOT, 'bench', 'python', 'speechbrain_peer.py');
    const checkpoint = join(folder, `c${values.channels}.ckpt`);
    return [python ?? '', script, checkpoint, clips, '--threads', String(threads)];
  };
  /** @type {(n: number) => Contender[]} */
  const on = (n) => {
    const workers = `${n} worker${n > 1 ? 's' : ''}`;
    const threads = `${n} thread${n > 1 ? 's' : ''}`;
    return [
      { name: `Timbre, ${workers}`, kind: 'timbre', command: node('timbre.mjs', bundles.fp32, clips, n) },
      {
        name: `Timbre int8, ${workers}`,
        kind: 'timbre',
        int8: true,
        command: node('timbre.mjs', bundles.int8, clips, n),
      },
      {
        name: `onnxruntime-node, original graph, ${workers}`,
        kind: 'onnxruntime',
        command: onnx('original.onnx', n, 1),
      },
      { name: `onnxruntime-node, our export, ${workers}`, kind: 'onnxruntime', command: onnx('exported.onnx', n, 1) },
      {
        name: `onnxruntime-node, our export in its int8, ${workers}`,
        kind: 'onnxruntime',
        int8: true,
        command: onnx('int8.onnx', n, 1),
      },
      ...(n > 1
        ? [
            {
              name: `onnxruntime-node, our export, 1 session of ${threads}`,
              kind: /** @type {const} */ ('onnxruntime'),
              command: onnx('exported.onnx', 1, n),
            },
          ]
        : []),
      {
        name: `sherpa-onnx-node, original graph, ${threads}`,
        kind: 'sherpa',
        command: node('sherpa.mjs', join(folder, 'original.onnx'), clips, n),
      },
      {
        name: `sherpa-onnx-node, our export, ${threads}`,
        kind: 'sherpa',
        command: node('sherpa.mjs', join(folder, 'single.onnx'), clips, n),
      },
      ...(python
        ? [{ name: `SpeechBrain, ${threads}`, kind: /** @type {const} */ ('speechbrain'), command: speechbrain(n) }]
        : []),
    ].map((contender) => ({ ...contender, processors: n }));
  };
  return [1, 2].flatMap(on);
}

/**
 * A contender in a process of its own, after its first embedding.
 * @param {readonly string[]} command
 */
async function start(command) {
  const began = performance.now();
  const child = spawn('taskset', ['-c', values.cores, ...command], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said = `${said}${text}`.slice(-2000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  /** @returns {Promise<any>} the next line that is an answer */
  const answer = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command.join(' ')} ended: ${said}`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  };
  const ask = (/** @type {object} */ order) => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    return answer();
  };
  const { ready } = await answer();
  const startMs = performance.now() - began;
  const end = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const { peakMb } = await ask({ end: true });
    child.stdin.end();
    await ended;
    return peakMb;
  };
  return { what: /** @type {string} */ (ready), startMs, ask, end };
}

/**
 * Cosine, and the relative error of their difference.
 * @param {number[]} a
 * @param {number[]} b the reference
 */
function agreement(a, b) {
  const dot = (/** @type {number[]} */ x, /** @type {number[]} */ y) =>
    x.reduce((sum, v, i) => sum + v * (y[i] ?? NaN), 0);
  const difference = a.map((v, i) => v - (b[i] ?? NaN));
  return {
    cosine: dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
    relativeError: Math.sqrt(dot(difference, difference) / dot(b, b)),
  };
}

const machine = describeMachine();
const programs = await buildPrograms(['clips']);
const folder = mkdtempSync(join(tmpdir(), 'timbre-peers-'));
try {
  process.stderr.write('making the models\n');
  const channels = Number(values.channels);
  const bundle = await formulaBundle(channels, folder);
  const kaldi = join(folder, '3dspeaker.pt');
  const checkpoint = join(folder, `c${channels}.ckpt`);
  await convertCheckpoint({ checkpoint, family: '3dspeaker', id: 'c-kaldi', out: kaldi });
  const int8 = join(folder, 'int8.pt');
  await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'c-int8', out: int8, precision: 'int8' });
  const script = join(ROOT, 'bench', 'python', 'peer_models.py');
  execFileSync(join(ROOT, '.venv/bin/python'), [script, bundle, folder, '--channels', String(channels)], {
    env: { ...process.env, PYTHONPATH: join(ROOT, 'models') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const clips = join(folder, 'clips');
  mkdirSync(clips);
  const audio = existsSync(values.audio)
    ? readdirSync(values.audio, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(flac|wav)$/.test(entry.name))
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
        .slice(0, RECORDINGS)
    : [];
  execFileSync(join(programs, 'clips'), [bundle, clips, values.lengths, ...audio]);

  // sherpa-onnx has Kaldi's features only: its embeddings are compared with those of Timbre's Kaldi front end.
  const likeSherpa = await start([process.execPath, join(PEERS, 'timbre.mjs'), kaldi, clips, '1']);
  /** @type {Record<string, number[]>} */
  const kaldiEmbeddings = {};
  for (const length of LENGTHS) kaldiEmbeddings[length] = (await likeSherpa.ask({ embed: length })).embedding;
  await likeSherpa.end();

  const list = contenders(folder, { fp32: bundle, int8 }, clips);
  const results = list.map((contender) => ({
    ...contender,
    what: '',
    startMs: /** @type {number[]} */ ([]),
    peakMb: /** @type {number[]} */ ([]),
    /** By length, each round's. */
    perSecond: /** @type {Record<string, number[]>} */ (Object.fromEntries(LENGTHS.map((length) => [length, []]))),
    fromFeatures: /** @type {Record<string, number[]>} */ (Object.fromEntries(LENGTHS.map((length) => [length, []]))),
    fromSamples: /** @type {Record<string, number[]>} */ (Object.fromEntries(LENGTHS.map((length) => [length, []]))),
    embeddings: /** @type {Record<string, number[]>} */ ({}),
  }));
  for (let round = 0; round < Number(values.rounds); round++) {
    const running = [];
    for (const result of results) {
      const child = await start(result.command);
      result.what = child.what;
      result.startMs.push(child.startMs);
      running.push({ child, result });
    }
    for (const length of LENGTHS) {
      // Nobody always runs after the same neighbour.
      for (const i of running.keys()) {
        const { child, result } = running[(i + round) % running.length];
        result.embeddings[length] = (await child.ask({ embed: length })).embedding;
        const order = { run: length, seconds: Number(values.seconds), least: 2 * result.processors };
        const { perSecond, fromFeatures, fromSamples } = await child.ask(order);
        result.perSecond[length]?.push(perSecond);
        result.fromFeatures[length]?.push(fromFeatures ?? perSecond);
        result.fromSamples[length]?.push(fromSamples ?? perSecond);
        process.stderr.write(`round ${round + 1}, ${length} s, ${result.name}: ${perSecond.toFixed(2)}/s\n`);
      }
    }
    for (const { child, result } of running) result.peakMb.push(await child.end());
  }

  /** @typedef {typeof results[number]} Result */
  const middle = (/** @type {number[] | undefined} */ list) => quantile(list ?? [], 0.5);
  const reference =
    results.find(({ kind }) => kind === 'speechbrain') ?? results.find(({ name }) => /original/.test(name));
  const accuracy = (/** @type {Result} */ result) => {
    const each = LENGTHS.map((length) =>
      agreement(
        result.embeddings[length] ?? [],
        (result.kind === 'sherpa' ? kaldiEmbeddings[length] : reference?.embeddings[length]) ?? [],
      ),
    );
    const cosine = Math.min(...each.map((one) => one.cosine));
    const relativeError = Math.max(...each.map((one) => one.relativeError));
    return `${cosine.toFixed(6)} | ${result === reference ? '0 (reference)' : relativeError.toExponential(0)}`;
  };
  const speedRow = (/** @type {Result} */ result) =>
    `| ${result.name} | ${result.processors} | ${BEGINS[result.kind]} | ` +
    `${LENGTHS.map((length) => middle(result.perSecond[length]).toPrecision(3)).join(' | ')} | ${accuracy(result)} ` +
    `| ${middle(result.peakMb).toFixed(0)} | ${(middle(result.startMs) / 1000).toFixed(1)} |`;

  /**
   * Timbre's rate over a peer's on as many processors, round by round.
   * @param {boolean} in8 whether Timbre's int8 is compared
   * @param {(timbre: Result, peer: Result, length: string) => number[]} rates of Timbre
   */
  const ratios = (in8, rates) =>
    results
      .filter(({ kind, int8 }) => kind !== 'timbre' && (in8 || !int8))
      .map((peer) => {
        const timbre = results.find(
          ({ kind, processors, int8 }) =>
            kind === 'timbre' && processors === peer.processors && (int8 ?? false) === in8,
        );
        const cells = LENGTHS.map((length) => {
          const each = (timbre ? rates(timbre, peer, length) : []).map(
            (rate, i) => rate / (peer.perSecond[length]?.[i] ?? NaN),
          );
          return `**${middle(each).toFixed(2)}** (${Math.min(...each).toFixed(2)} to ${Math.max(...each).toFixed(2)})`;
        });
        return `| ${peer.name} | ${cells.join(' | ')} |`;
      })
      .join('\n');
  const head = (/** @type {string} */ first) =>
    `| ${first} | ${LENGTHS.map((length) => `${length} s`).join(' | ')} |\n| --- |${' --- |'.repeat(LENGTHS.length)}`;
  const plot = values.out.replace(/\.md$/, '.svg');
  const versions = [...new Set(results.map(({ what }) => what))].join('; ');
  const report = `# Timbre beside other runtimes

\`node bench/js/peers.mjs${values.python ? ' --python PYTHON' : ''}\`

${machine}
- ${versions}
- every process on processors ${values.cores}; weights by formula, SpeechBrain's network of ${channels} channels; ${audio.length > 0 ? 'speech' : 'a voice by formula'}
- ${values.rounds} rounds, in each every runtime in turn for each length, at least ${values.seconds} s and two utterances a processor; figures are medians

Utterances a second. Timbre is measured end to end: from samples, speech activity and quality included, which no other
runtime computes. "Begins with": onnxruntime-node gets Timbre's features ready made; sherpa-onnx-node and SpeechBrain
compute their own. Agreement is the worst over the lengths, with ${reference?.name ?? ''}; of sherpa-onnx-node, which has Kaldi's features
only (and others at the edges than 3D-Speaker's), with Timbre's bundle of the same weights for 3D-Speaker's front end.
Peak is resident memory, start-up the time from the process's start to its first embedding of 3 s.

| runtime | processors | begins with | ${LENGTHS.map((length) => `${length} s`).join(' | ')} | cosine | relative error | peak MB | start-up s |
| --- | --- | --- |${' --- |'.repeat(LENGTHS.length + 4)}
${results.map(speedRow).join('\n')}

![utterances a second](${basename(plot)})

## Timbre's speed as a multiple of the peer's, as many processors

Timbre end to end in fp32; median of the rounds, and their range:

${head('peer')}
${ratios(false, (timbre, _peer, length) => timbre.perSecond[length] ?? [])}

The same work on both sides, by the clocks of Timbre's stages while it ran end to end: the model alone against
onnxruntime-node, features and model against the others:

${head('peer')}
${ratios(false, (timbre, peer, length) => (BEGINS[peer.kind] === 'features' ? timbre.fromFeatures[length] : timbre.fromSamples[length]) ?? [])}

Timbre end to end in int8:

${head('peer')}
${ratios(true, (timbre, _peer, length) => timbre.perSecond[length] ?? [])}
`;
  writeFileSync(values.out, report);
  const panels = LENGTHS.map((length) => ({
    name: `${length} s, utterances/s`,
    bars: results.map(({ name, kind, perSecond }) => {
      const list = perSecond[length] ?? [];
      return { name, group: kind, value: middle(list), low: Math.min(...list), high: Math.max(...list) };
    }),
  }));
  writeFileSync(plot, barPanels('Utterances a second, the same weights and processors', panels));
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
