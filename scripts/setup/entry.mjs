// How every script begins and ends: the platform, the options, the help, and failures without stack traces.
// Imports nothing that an old Node might lack, so that it can say that Node is too old.
import { obstacle, thisPlatform } from './platform.mjs';

/** Folder of the project. */
export const ROOT = decodeURIComponent(new URL('../..', import.meta.url).pathname);

/**
 * @typedef {object} Script
 * @property {string} what the activity, for the message of a failure
 * @property {string} help
 * @property {Record<string, { type: 'boolean' | 'string', multiple?: boolean }>} options beside --help
 * @property {(values: any) => Promise<number | void>} main gets the options' values, gives the exit status
 */

/** @param {Script} script */
export async function enter({ what, help, options, main }) {
  const hindrance = obstacle(thisPlatform());
  if (hindrance) {
    process.stderr.write(`${what} failed: ${hindrance.message}\n  ${hindrance.remedy}\n`);
    process.exitCode = 1;
    return;
  }
  const { parseArgs } = await import('node:util');
  const { fail } = await import('./failure.mjs');
  let values;
  try {
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    process.stderr.write(`${what}: ${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exitCode = 2;
    return;
  }
  if (values['help']) {
    process.stdout.write(help);
    return;
  }
  try {
    process.exitCode = (await main(values)) || 0;
  } catch (error) {
    fail(error, what);
  }
}
