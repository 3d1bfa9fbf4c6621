// Timbre: samples in, embeddings out, speech activity and features included.
//
//   node bench/peers/timbre.mjs BUNDLE CLIPS WORKERS [PRECISION]
import process from 'node:process';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { perSecond, readFloats, serve } from './contender.mjs';

const [model, clips, count, precision] = /** @type {[string, string, string, 'fp32' | 'bf16' | undefined]} */ (
  process.argv.slice(2)
);
const workers = Number(count);

/** Others embed all of a clip. */
const KEPT = /** @type {const} */ ({ pauses: 'keep' });

await serve(async () => {
  const encoder = await SpeakerEncoder.load({ model, workers, ...(precision && { precision }) });
  const input = (/** @type {string} */ length) => ({ samples: readFloats(clips, `${length}.pcm`), sampleRate: 16_000 });
  return {
    what: `timbre-voice, ${encoder.info().model}`,
    precision: encoder.info().precision,
    embed: async (length) => (await encoder.embed(input(length), KEPT)).embedding,
    async run(order) {
      const clip = input(order.run);
      const before = encoder.stats();
      const rate = await perSecond(2 * workers, order, () => encoder.embed(clip, KEPT));
      const after = encoder.stats();
      const done = after.completed - before.completed;
      /** Milliseconds of an utterance. */
      const mean = (/** @type {'speech' | 'features' | 'model'} */ stage) =>
        (after.timings[stage] - before.timings[stage]) / done;
      const stages = { speech: mean('speech'), features: mean('features'), model: mean('model') };
      return {
        perSecond: rate,
        stages,
        fromFeatures: (1000 * workers) / stages.model,
        fromSamples: (1000 * workers) / (stages.features + stages.model),
      };
    },
    close: () => encoder.close(),
  };
});
