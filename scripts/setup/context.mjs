// What the steps of the set-up share.
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} SetupOptions
 * @property {boolean} check change nothing, report
 * @property {boolean} verbose show what the programs print
 * @property {boolean} tests what the native tests need as well
 * @property {boolean} lint what the lint and format checks need as well
 * @property {boolean} bench what the native benchmarks need as well
 * @property {boolean} fuzz what test/fuzz/run.mjs needs as well
 */

/**
 * @typedef {object} Context
 * @property {string} root folder of the project
 * @property {NodeJS.ProcessEnv} env
 * @property {SetupOptions} options
 * @property {(text: string) => void} say tells what the step is doing
 * @property {(step: string) => string} log file for the output of a step's programs
 * @property {() => string} scratch folder for temporary files, on the project's own disk
 */

/**
 * One part of the set-up. `inspect` is quick and changes nothing; `run` makes it ready, from whatever state.
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} needs names of steps that have to be ready before this one is looked at
 * @property {(context: Context) => { ready: boolean, says: string }} inspect
 * @property {(context: Context) => Promise<void>} run
 */

/**
 * @param {string} root
 * @param {SetupOptions} options
 * @param {NodeJS.ProcessEnv} env
 * @returns {Context}
 */
export function makeContext(root, options, env) {
  const cache = path.join(root, '.cache', 'setup');
  return {
    root,
    env,
    options,
    say: () => {},
    log: (step) => path.join(cache, `${step}.log`),
    scratch: () => {
      mkdirSync(cache, { recursive: true });
      return cache;
    },
  };
}
