// sherpa-onnx-node: samples in, embeddings out, by its own features. A call blocks the event loop until it is done.
//
//   node bench/peers/sherpa.mjs MODEL.onnx CLIPS THREADS
import { createRequire } from 'node:module';
import process from 'node:process';
import { perSecond, readFloats, serve } from './contender.mjs';

const [model, clips, threads] = /** @type {[string, string, string]} */ (process.argv.slice(2));
const require = createRequire(import.meta.url);

await serve(async () => {
  const { SpeakerEmbeddingExtractor } = require('sherpa-onnx-node');
  const extractor = new SpeakerEmbeddingExtractor({ model, numThreads: Number(threads), debug: false });
  const embed = (/** @type {Float32Array} */ samples) => {
    const stream = extractor.createStream();
    stream.acceptWaveform({ sampleRate: 16_000, samples });
    stream.inputFinished?.();
    return extractor.compute(stream);
  };
  return {
    what: `sherpa-onnx-node ${require('sherpa-onnx-node/package.json').version}`,
    embed: async (length) => embed(readFloats(clips, `${length}.pcm`)),
    async run(order) {
      const samples = readFloats(clips, `${order.run}.pcm`);
      return { perSecond: await perSecond(1, order, async () => embed(samples)) };
    },
    close: async () => {},
  };
});
