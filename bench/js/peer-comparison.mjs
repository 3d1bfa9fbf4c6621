// What bench/js/peers.mjs measures: the contenders, each in a process of its own, in rounds.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { convertCheckpoint } from '../../dist/addon/index.js';
import { buildPrograms } from './build.mjs';
import { describeMachine, formulaBundle, ROOT } from './machine.mjs';
import { processesOn } from './peer-processes.mjs';
import { plotOf, reportOf } from './peer-report.mjs';

/** At most so many recordings are joined for the longest clip. */
const RECORDINGS = 12;
const PEERS = join(ROOT, 'bench', 'peers');

/**
 * @typedef {object} Comparison
 * @property {string} python of OpenVINO, and of the models that the peers load
 * @property {string} packages folder of what that Python imports beside .venv
 * @property {string} [speechbrainPython]
 * @property {string} [audio] folder of speech
 * @property {number} rounds
 * @property {number} seconds
 * @property {string[]} lengths of the clips, seconds
 * @property {number} channels
 * @property {string} cores
 * @property {string} [out] file of the report
 */

/** @typedef {import('./peer-processes.mjs').Precision} Precision */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {'timbre' | 'onnxruntime' | 'openvino' | 'sherpa' | 'speechbrain'} kind
 * @property {Precision} precision
 * @property {number} processors that it keeps busy
 * @property {string[]} command
 */

/**
 * @typedef {Contender & {
 *   what: string,
 *   startMs: number[],
 *   peakMb: number[],
 *   perSecond: Record<string, number[]>,
 *   fromFeatures: Record<string, number[]>,
 *   fromSamples: Record<string, number[]>,
 *   embeddings: Record<string, number[]>,
 * }} Result rates by length, each round's: `fromFeatures` of the network alone, `fromSamples` of features and network
 */

/**
 * @param {Comparison} comparison
 * @param {string} folder of models
 * @param {{ fp32: string, int8: string }} bundles
 * @param {string} clips
 * @param {(command: string[]) => Promise<Precision | undefined>} precisionOf a contender, as it says itself
 * @returns {Promise<Contender[]>}
 */
async function contenders({ python, packages, speechbrainPython, channels }, folder, bundles, clips, precisionOf) {
  const node = (/** @type {string} */ script, /** @type {(string | number)[]} */ ...words) => [
    process.execPath,
    join(PEERS, script),
    ...words.map(String),
  ];
  const timbre = (/** @type {number} */ workers, /** @type {'fp32' | 'bf16'} */ precision) =>
    node('timbre.mjs', bundles.fp32, clips, workers, precision);
  const onnx = (/** @type {string} */ file, /** @type {number} */ workers, /** @type {number} */ threads) =>
    node('onnxruntime.mjs', join(folder, file), clips, workers, threads);
  const openvino = (/** @type {number} */ workers, /** @type {string[]} */ ...words) => {
    const script = join(ROOT, 'bench', 'python', 'openvino_peer.py');
    const model = join(folder, 'exported.onnx');
    return ['env', `PYTHONPATH=${packages}`, python, script, model, clips, '--workers', String(workers), ...words];
  };
  const speechbrain = (/** @type {number} */ threads) => {
    const script = join(ROOT, 'bench', 'python', 'speechbrain_peer.py');
    const checkpoint = join(folder, `c${channels}.ckpt`);
    return [speechbrainPython ?? '', script, checkpoint, clips, '--threads', String(threads)];
  };
  // Both depend on what the processor multiplies in.
  const timbreInBf16 = (await precisionOf(timbre(1, 'bf16'))) === 'bf16';
  const openvinoByDefault = (await precisionOf(openvino(1))) ?? 'fp32';
  /** @type {(n: number) => Contender[]} */
  const on = (n) => {
    const counted = (/** @type {string} */ noun) => `${n} ${noun}${n > 1 ? 's' : ''}`;
    const [workers, threads, streams] = [counted('worker'), counted('thread'), counted('stream')];
    /** @type {(Omit<Contender, 'processors'> | false | undefined | '')[]} */
    const list = [
      { name: `Timbre, ${workers}`, kind: 'timbre', precision: 'fp32', command: timbre(n, 'fp32') },
      timbreInBf16 && {
        name: `Timbre bf16, ${workers}`,
        kind: 'timbre',
        precision: 'bf16',
        command: timbre(n, 'bf16'),
      },
      {
        name: `Timbre int8, ${workers}`,
        kind: 'timbre',
        precision: 'int8',
        command: node('timbre.mjs', bundles.int8, clips, n),
      },
      {
        name: `onnxruntime-node, original graph, ${workers}`,
        kind: 'onnxruntime',
        precision: 'fp32',
        command: onnx('original.onnx', n, 1),
      },
      {
        name: `onnxruntime-node, our export, ${workers}`,
        kind: 'onnxruntime',
        precision: 'fp32',
        command: onnx('exported.onnx', n, 1),
      },
      {
        name: `onnxruntime-node, our export in its int8, ${workers}`,
        kind: 'onnxruntime',
        precision: 'int8',
        command: onnx('int8.onnx', n, 1),
      },
      n > 1 && {
        name: `onnxruntime-node, our export, 1 session of ${threads}`,
        kind: 'onnxruntime',
        precision: 'fp32',
        command: onnx('exported.onnx', 1, n),
      },
      {
        name: `OpenVINO by default, our export, ${streams}`,
        kind: 'openvino',
        precision: openvinoByDefault,
        command: openvino(n),
      },
      openvinoByDefault !== 'fp32' && {
        name: `OpenVINO in fp32, our export, ${streams}`,
        kind: 'openvino',
        precision: 'fp32',
        command: openvino(n, '--precision', 'f32'),
      },
      {
        name: `sherpa-onnx-node, original graph, ${threads}`,
        kind: 'sherpa',
        precision: 'fp32',
        command: node('sherpa.mjs', join(folder, 'original.onnx'), clips, n),
      },
      {
        name: `sherpa-onnx-node, our export, ${threads}`,
        kind: 'sherpa',
        precision: 'fp32',
        command: node('sherpa.mjs', join(folder, 'single.onnx'), clips, n),
      },
      speechbrainPython && {
        name: `SpeechBrain, ${threads}`,
        kind: 'speechbrain',
        precision: 'fp32',
        command: speechbrain(n),
      },
    ];
    return list.flatMap((contender) => (contender ? [{ ...contender, processors: n }] : []));
  };
  return [1, 2].flatMap(on);
}

/** @param {Comparison} comparison */
export async function compare(comparison) {
  const { python, packages, channels, lengths, rounds, seconds, cores } = comparison;
  const out = comparison.out ?? join(ROOT, 'bench', 'results', 'peers.md');
  const machine = describeMachine();
  const programs = await buildPrograms(['clips']);
  const folder = mkdtempSync(join(tmpdir(), 'timbre-peers-'));
  const { start, stop } = processesOn(cores);
  try {
    process.stderr.write('making the models\n');
    const bundle = await formulaBundle(channels, folder);
    const kaldi = join(folder, '3dspeaker.pt');
    const checkpoint = join(folder, `c${channels}.ckpt`);
    await convertCheckpoint({ checkpoint, family: '3dspeaker', id: 'c-kaldi', out: kaldi });
    const int8 = join(folder, 'int8.pt');
    await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'c-int8', out: int8, precision: 'int8' });
    const script = join(ROOT, 'bench', 'python', 'peer_models.py');
    execFileSync(python, [script, bundle, folder, '--channels', String(channels)], {
      env: { ...process.env, PYTHONPATH: `${join(ROOT, 'models')}:${packages}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const clips = join(folder, 'clips');
    mkdirSync(clips);
    const speech = comparison.audio ?? join(ROOT, '..', 'shared', 'speech', 'libri');
    const audio = existsSync(speech)
      ? readdirSync(speech, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && /\.(flac|wav)$/.test(entry.name))
          .map(({ parentPath, name }) => join(parentPath, name))
          .sort()
          .slice(0, RECORDINGS)
      : [];
    // Contenders begin with a clip of 3 s.
    const made = [...new Set([...lengths, '3'])].join(',');
    execFileSync(join(programs, 'clips'), [bundle, clips, made, ...audio]);

    // sherpa-onnx has Kaldi's features only: its embeddings are compared with those of Timbre's Kaldi front end.
    const likeSherpa = await start([process.execPath, join(PEERS, 'timbre.mjs'), kaldi, clips, '1', 'fp32']);
    /** @type {Record<string, number[]>} */
    const kaldiEmbeddings = {};
    for (const length of lengths) kaldiEmbeddings[length] = (await likeSherpa.ask({ embed: length })).embedding;
    await likeSherpa.end();

    const precisionOf = async (/** @type {string[]} */ command) => {
      const child = await start(command);
      await child.end();
      return child.precision;
    };
    const byLength = () =>
      /** @type {Record<string, number[]>} */ (Object.fromEntries(lengths.map((each) => [each, []])));
    const list = await contenders(comparison, folder, { fp32: bundle, int8 }, clips, precisionOf);
    /** @type {Result[]} */
    const results = list.map((contender) => ({
      ...contender,
      what: '',
      startMs: [],
      peakMb: [],
      perSecond: byLength(),
      fromFeatures: byLength(),
      fromSamples: byLength(),
      embeddings: {},
    }));
    for (let round = 0; round < rounds; round++) {
      const running = [];
      for (const result of results) {
        const child = await start(result.command);
        if (child.precision !== undefined && child.precision !== result.precision) {
          throw new Error(`${result.name} computes in ${child.precision}, not in ${result.precision}`);
        }
        result.what = child.what;
        result.startMs.push(child.startMs);
        running.push({ child, result });
      }
      for (const length of lengths) {
        // Nobody always runs after the same neighbour.
        for (const i of running.keys()) {
          const { child, result } = /** @type {typeof running[number]} */ (running[(i + round) % running.length]);
          result.embeddings[length] = (await child.ask({ embed: length })).embedding;
          const order = { run: length, seconds, least: 2 * result.processors };
          const { perSecond, fromFeatures, fromSamples } = await child.ask(order);
          result.perSecond[length]?.push(perSecond);
          result.fromFeatures[length]?.push(fromFeatures ?? perSecond);
          result.fromSamples[length]?.push(fromSamples ?? perSecond);
          process.stderr.write(`round ${round + 1}, ${length} s, ${result.name}: ${perSecond.toFixed(2)}/s\n`);
        }
      }
      for (const { child, result } of running) result.peakMb.push(await child.end());
    }

    const plot = out.replace(/\.md$/, '.svg');
    const report = reportOf(results, {
      ...comparison,
      machine,
      speech: audio.length > 0,
      kaldiEmbeddings,
      plot: basename(plot),
    });
    writeFileSync(out, report);
    writeFileSync(plot, plotOf(results, lengths));
    process.stdout.write(report);
  } finally {
    stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
