// Contenders of a comparison, each in a process of its own that reads orders and writes answers, a line of JSON each.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** @typedef {'fp32' | 'bf16' | 'fp16' | 'int8'} Precision what the network's products are computed in */
/** @typedef {Awaited<ReturnType<ReturnType<typeof processesOn>['start']>>} Running */

/**
 * Starts contenders; each is there after its first line, `{"ready": name and version}`.
 * @param {string} cores that they run on, as taskset takes them
 */
export function processesOn(cores) {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const running = new Set();
  /**
   * @param {readonly string[]} command
   * @param {NodeJS.ProcessEnv} [env]
   */
  const start = async (command, env) => {
    const began = performance.now();
    const child = spawn('taskset', ['-c', cores, ...command], { stdio: ['pipe', 'pipe', 'pipe'], ...(env && { env }) });
    running.add(child);
    child.once('close', () => running.delete(child));
    /** @type {Promise<string>} how it ended */
    const ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with ${code}`)),
    );
    let said = '';
    child.stderr.on('data', (text) => (said = `${said}${text}`.slice(-2000)));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    /** @returns {Promise<any>} the next line that is an answer */
    const answer = async () => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${command.join(' ')} ${await ended}: ${said}`);
        if (value.startsWith('{')) return JSON.parse(value);
      }
    };
    const ask = (/** @type {object} */ order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return answer();
    };
    const { ready, precision } = await answer();
    const startMs = performance.now() - began;
    const end = async () => {
      const { peakMb } = await ask({ end: true });
      child.stdin.end();
      await ended;
      return peakMb;
    };
    return {
      what: /** @type {string} */ (ready),
      precision: /** @type {Precision | undefined} */ (precision),
      startMs,
      ask,
      end,
    };
  };
  return { start, stop: () => running.forEach((child) => child.kill()) };
}
