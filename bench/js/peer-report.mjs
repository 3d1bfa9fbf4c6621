// The report of bench/js/peers.mjs.
import { quantile } from './machine.mjs';
import { barPanels } from './plots.mjs';

/** @typedef {import('./peer-comparison.mjs').Result} Result */
/** @typedef {import('./peer-comparison.mjs').Precision} Precision */

/** Where a kind begins: what comes before is not in its figures. */
const BEGINS = {
  timbre: 'samples',
  onnxruntime: 'features',
  openvino: 'features',
  sherpa: 'samples',
  speechbrain: 'samples',
};

const BITS = { fp32: 32, bf16: 16, fp16: 16, int8: 8 };

const middle = (/** @type {number[] | undefined} */ list) => quantile(list ?? [], 0.5);

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

/**
 * Median of one's rates over another's, round by round, and their range.
 * @param {number[] | undefined} rates
 * @param {number[] | undefined} peer
 */
function ratio(rates, peer) {
  const each = (rates ?? []).map((rate, i) => rate / (peer?.[i] ?? NaN));
  return `**${middle(each).toFixed(2)}** (${Math.min(...each).toFixed(2)} to ${Math.max(...each).toFixed(2)})`;
}

/**
 * @param {string[]} first columns
 * @param {string[]} lengths
 * @param {string[][]} rows
 */
function table(first, lengths, rows) {
  const columns = [...first, ...lengths.map((length) => `${length} s`)];
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/**
 * @param {Result[]} results
 * @param {object} run
 * @param {string} run.machine lines of a list
 * @param {string[]} run.lengths
 * @param {string} run.cores
 * @param {number} run.channels
 * @param {number} run.rounds
 * @param {number} run.seconds
 * @param {boolean} run.speech whether recordings spoke, not a formula
 * @param {string} [run.speechbrainPython]
 * @param {Record<string, number[]>} run.kaldiEmbeddings by length
 * @param {string} run.plot name of the file
 * @returns {string} Markdown
 */
export function reportOf(results, run) {
  const { lengths } = run;
  const reference =
    results.find(({ kind }) => kind === 'speechbrain') ?? results.find(({ name }) => /original/.test(name));
  const accuracy = (/** @type {Result} */ result) => {
    const each = lengths.map((length) =>
      agreement(
        result.embeddings[length] ?? [],
        (result.kind === 'sherpa' ? run.kaldiEmbeddings[length] : reference?.embeddings[length]) ?? [],
      ),
    );
    const cosine = Math.min(...each.map((one) => one.cosine));
    const relativeError = Math.max(...each.map((one) => one.relativeError));
    return [cosine.toFixed(6), result === reference ? '0 (reference)' : relativeError.toExponential(0)];
  };
  const speeds = results.map((result) => [
    result.name,
    result.precision,
    String(result.processors),
    BEGINS[result.kind],
    ...lengths.map((length) => middle(result.perSecond[length]).toPrecision(3)),
    ...accuracy(result),
    middle(result.peakMb).toFixed(0),
    (middle(result.startMs) / 1000).toFixed(1),
  ]);
  const speedHead = ['runtime', 'precision', 'processors', 'begins with', ...lengths.map((length) => `${length} s`)];
  const networks = results.filter(({ kind }) => kind === 'timbre' || BEGINS[kind] === 'features');
  const alone = networks.map((result) => [
    result.name,
    result.precision,
    String(result.processors),
    ...lengths.map((length) => middle(result.fromFeatures[length]).toPrecision(3)),
  ]);

  const ofTimbre = results.filter(({ kind }) => kind === 'timbre');
  const peers = results.filter(({ kind }) => kind !== 'timbre');
  const endToEnd = (/** @type {Result} */ timbre) => timbre.perSecond;
  const sameWork = (/** @type {Result} */ timbre, /** @type {Result} */ peer) =>
    BEGINS[peer.kind] === 'features' ? timbre.fromFeatures : timbre.fromSamples;
  /**
   * Timbre's rate over a peer's on as many processors, of peers that compute no coarser than it does.
   * @param {Precision} precision
   * @param {(timbre: Result, peer: Result) => Record<string, number[]>} rates of Timbre
   */
  const ratios = (precision, rates) =>
    table(
      ['peer', 'its precision'],
      lengths,
      peers
        .filter((peer) => BITS[peer.precision] >= BITS[precision])
        .flatMap((peer) =>
          ofTimbre
            .filter((timbre) => timbre.precision === precision && timbre.processors === peer.processors)
            .map((timbre) => [
              peer.name,
              peer.precision,
              ...lengths.map((length) => ratio(rates(timbre, peer)[length], peer.perSecond[length])),
            ]),
        ),
    );
  const multiples = [...new Set(ofTimbre.map(({ precision }) => precision))].map(
    (precision) => `### Timbre in ${precision}

End to end; median of the rounds, and their range:

${ratios(precision, endToEnd)}

The same work on both sides, by the clocks of Timbre's stages while it ran end to end: the model alone against
onnxruntime-node and OpenVINO, features and model against the others:

${ratios(precision, sameWork)}
`,
  );
  const besideOpenvino = peers
    .filter(({ kind }) => kind === 'openvino')
    .flatMap((peer) =>
      ofTimbre
        .filter(({ processors }) => processors === peer.processors)
        .flatMap((timbre) =>
          /** @type {const} */ ([
            ['the model alone', timbre.fromFeatures],
            ['end to end', timbre.perSecond],
          ]).map(([what, rates]) => [
            peer.name,
            peer.precision,
            `${timbre.precision}, ${what}`,
            accuracy(timbre)[0] ?? '',
            accuracy(peer)[0] ?? '',
            ...lengths.map((length) => ratio(rates[length], peer.perSecond[length])),
          ]),
        ),
    );

  const versions = [...new Set(results.map(({ what }) => what))].join('; ');
  return `# Timbre beside other runtimes

\`node bench/js/peers.mjs${run.speechbrainPython ? ' --python PYTHON' : ''}\`

${run.machine}
- ${versions}
- every process on processors ${run.cores}; weights by formula, SpeechBrain's network of ${run.channels} channels; ${run.speech ? 'speech' : 'a voice by formula'}
- ${run.rounds} rounds, in each every runtime in turn for each length, at least ${run.seconds} s and two utterances a processor; figures are medians

Utterances a second. Timbre is measured end to end: from samples, speech activity and quality included, which no other
runtime computes. "Begins with": onnxruntime-node and OpenVINO get Timbre's features ready made; sherpa-onnx-node and
SpeechBrain compute their own. Precision is that of the products, as Timbre and OpenVINO say it of the loaded model; OpenVINO
by default takes bf16 where the processor multiplies in it. Agreement is the worst over the lengths, with ${reference?.name ?? ''}; of
sherpa-onnx-node, which has Kaldi's features only (and others at the edges than 3D-Speaker's), with Timbre's bundle of the
same weights for 3D-Speaker's front end. Peak is resident memory, start-up the time from the process's start to its first
embedding of 3 s.

${table([...speedHead, 'cosine', 'relative error', 'peak MB', 'start-up s'], [], speeds)}

![utterances a second](${run.plot})

## The model alone

Utterances a second from ready features; Timbre's by the clock of its stage while it ran end to end:

${table(['runtime', 'precision', 'processors'], lengths, alone)}

## Beside OpenVINO

Timbre's speed as a multiple of OpenVINO's, which computes the model alone, on as many processors: every precision against
every other; median of the rounds, and their range. The cosines are those to the reference above:

${table(['OpenVINO', 'its precision', "Timbre's", "Timbre's cosine", "OpenVINO's cosine"], lengths, besideOpenvino)}

## Timbre's speed as a multiple of the peer's, as many processors

${multiples.join('\n')}`;
}

/**
 * @param {Result[]} results
 * @param {string[]} lengths
 * @returns {string} SVG
 */
export function plotOf(results, lengths) {
  const panels = lengths.map((length) => ({
    name: `${length} s, utterances/s`,
    bars: results.map(({ name, kind, perSecond }) => {
      const list = perSecond[length] ?? [];
      return { name, group: kind, value: middle(list), low: Math.min(...list), high: Math.max(...list) };
    }),
  }));
  return barPanels('Utterances a second, the same weights and processors', panels);
}
