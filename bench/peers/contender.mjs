// A contender of bench/js/peers.mjs, in a process of its own: JSON, one line an order and one an answer.
//
//   (start)                          -> {"ready": what it is, "precision"?}, after the first embedding of the clip of 3 s
//   {"embed": length}                -> {"embedding": [...]}
//   {"run": length, "seconds", "least"} -> {"perSecond", ...}, after so long and so many utterances
//   {"end": true}                    -> {"peakMb": resident memory at most}, and the process ends
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

/**
 * @typedef {object} Order how long to run
 * @property {string} run length of the clip in seconds, as its file is named
 * @property {number} seconds
 * @property {number} least utterances
 */

/**
 * @typedef {object} Contender
 * @property {string} what name and version
 * @property {string} [precision] what it computes in, where the runtime can tell: fp32, bf16, fp16 or int8
 * @property {(length: string) => Promise<Float32Array>} embed
 * @property {(order: Order) => Promise<object>} run gives at least { perSecond }
 * @property {() => Promise<unknown>} close
 */

/**
 * Raw float32 of a clip.
 * @param {string} folder
 * @param {string} name `3.pcm`
 */
export function readFloats(folder, name) {
  const bytes = readFileSync(join(folder, name));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/**
 * Runs `work` in so many lanes, one call after the other in each, until time and count are up.
 * @param {number} lanes
 * @param {Order} order
 * @param {() => Promise<unknown>} work
 */
export async function perSecond(lanes, { seconds, least }, work) {
  const started = performance.now();
  let [begun, done] = [0, 0];
  const lane = async () => {
    while (begun < least || performance.now() - started < 1000 * seconds) {
      begun++;
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (1000 * done) / (performance.now() - started);
}

/** @param {object} message */
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** @param {() => Promise<Contender>} start */
export async function serve(start) {
  const contender = await start();
  await contender.embed('3');
  say({ ready: contender.what, precision: contender.precision });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    if ('embed' in order) say({ embedding: [...(await contender.embed(order.embed))] });
    else if ('run' in order) say(await contender.run(order));
    else {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      say({ peakMb: Number(kilobytes) / 1000 });
      break;
    }
  }
  // Also where whoever asked has gone.
  await contender.close();
}
