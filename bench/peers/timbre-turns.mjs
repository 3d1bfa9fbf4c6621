// Timbre: any recording in, turns out.
//
//   node bench/peers/timbre-turns.mjs MODEL WORKERS
import process from 'node:process';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { serveTurns } from './turns.mjs';

const [model = '', workers = '1'] = process.argv.slice(2);
const encoder = await SpeakerEncoder.load({ model, workers: Number(workers) });
// The segmentation network is loaded by the first call.
await encoder.conversation({ samples: new Float32Array(16_000), sampleRate: 16_000 });
await serveTurns(encoder.info().modelWithPauses, async (file, speakers) => {
  const { turns } = await encoder.conversation(file, { ...(speakers && { speakers }) });
  return turns.map(({ start, end, speaker }) => [start, end, speaker]);
});
await encoder.close();
