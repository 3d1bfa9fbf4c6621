// The addon alone, in a process of its own, told by its parent when to run: { seconds, lanes } -> { perSecond, delayP99 }.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { inLanes, watchEventLoop } from './lanes.mjs';

const [model, clips] = /** @type {[string, string]} */ (process.argv.slice(2));
const encoder = await SpeakerEncoder.load({ model });
const recordings = readdirSync(clips).map((name) => readFileSync(join(clips, name)));
await Promise.all(recordings.slice(0, 8).map((recording) => encoder.embed(recording)));

process.on('disconnect', () => encoder.close());
process.on('message', async ({ seconds, lanes }) => {
  const stop = watchEventLoop();
  const { perSecond } = await inLanes(lanes, seconds, (i) =>
    encoder.embed(/** @type {Buffer} */ (recordings[i % recordings.length])),
  );
  process.send?.({ perSecond, delayP99: stop() });
});
process.send?.({ model: encoder.info().model, workers: encoder.info().workers });
