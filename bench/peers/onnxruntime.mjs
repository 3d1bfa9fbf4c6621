// onnxruntime-node, fed with features that are made already: its work is the network alone. Its calls block the thread
// that makes them, so each worker is a thread with a session of its own.
//
//   node bench/peers/onnxruntime.mjs MODEL.onnx CLIPS WORKERS THREADS_OF_A_SESSION
import { createRequire } from 'node:module';
import process from 'node:process';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { perSecond, readFloats, serve } from './contender.mjs';

const [model, clips, count, threads] = /** @type {[string, string, string, string]} */ (process.argv.slice(2));
const BINS = 80;
const require = createRequire(import.meta.url);

/** A session and its inputs by length. */
async function openSession() {
  const { InferenceSession, Tensor } = require('onnxruntime-node');
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const inputs = (/** @type {string} */ length) => {
    const values = readFloats(clips, `${length}.features`);
    const frames = values.length / BINS;
    const features = new Tensor('float32', values, [1, frames, BINS]);
    const lengths = new Tensor('int64', BigInt64Array.of(BigInt(frames)), [1]);
    return session.inputNames.includes('lengths') ? { features, lengths } : { features };
  };
  return { session, inputs };
}

/** A thread that answers `Contender`'s orders. */
async function work() {
  const { session, inputs } = await openSession();
  parentPort?.on('message', async (order) => {
    const feeds = inputs(order.embed ?? order.run);
    if ('embed' in order) return parentPort?.postMessage((await session.run(feeds)).embedding.data);
    parentPort?.postMessage(await perSecond(1, order, () => session.run(feeds)));
  });
}

if (!isMainThread) await work();
else {
  await serve(async () => {
    const workers = Array.from({ length: Number(count) }, () => {
      return new Worker(fileURLToPath(import.meta.url), { argv: process.argv.slice(2) });
    });
    /**
     * @param {Worker} worker
     * @param {object} order
     * @returns {Promise<any>}
     */
    const ask = (worker, order) =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.postMessage(order);
      });
    const all = (/** @type {object} */ order) => Promise.all(workers.map((worker) => ask(worker, order)));
    return {
      what: `onnxruntime-node ${require('onnxruntime-node/package.json').version}`,
      embed: async (length) => (await all({ embed: length }))[0],
      async run(order) {
        const rates = await all({ ...order, least: Math.ceil(order.least / workers.length) });
        return { perSecond: rates.reduce((sum, rate) => sum + rate, 0) };
      },
      close: () => Promise.all(workers.map((worker) => worker.terminate())),
    };
  });
}
