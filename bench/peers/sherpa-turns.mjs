// sherpa-onnx-node, called as its own example of diarisation calls it.
//
//   node bench/peers/sherpa-turns.mjs MODELS THREADS [THRESHOLD]
//
// MODELS has what bench/python/conversation_models.py writes, recordings are WAV of one channel and 16 kHz. THRESHOLD is
// the cosine distance at which clusters no longer merge, 0.5 in its example.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { serveTurns } from './turns.mjs';

const [models = '', threads = '1', threshold = '0.5'] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { OfflineSpeakerDiarization, readWave } = require('sherpa-onnx-node');

/** @param {number} numClusters -1: as many as are heard */
const clusteringOf = (numClusters) => ({ numClusters, threshold: Number(threshold) });
const diarisation = new OfflineSpeakerDiarization({
  segmentation: { pyannote: { model: join(models, 'segmentation.onnx') }, numThreads: Number(threads) },
  embedding: { model: join(models, 'embedding.onnx'), numThreads: Number(threads) },
  clustering: clusteringOf(-1),
  minDurationOn: 0.2,
  minDurationOff: 0.5,
});

await serveTurns(
  `sherpa-onnx-node ${require('sherpa-onnx-node/package.json').version}, threshold ${threshold}`,
  (file, speakers) => {
    diarisation.setConfig({ clustering: clusteringOf(speakers ?? -1) });
    const { samples } = readWave(file);
    /** @type {{ start: number, end: number, speaker: number }[]} */
    const segments = diarisation.process(samples);
    return segments.map(({ start, end, speaker }) => [start, end, String(speaker)]);
  },
);
