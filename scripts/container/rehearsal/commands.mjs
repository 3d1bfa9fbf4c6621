// Programs of this machine, run to their end.
import { execFile, execFileSync, spawnSync } from 'node:child_process';

/** @param {string[]} words */
export function mount(...words) {
  execFileSync('mount', words, { stdio: 'inherit' });
}

/** @param {string[]} words */
export function run([program = '', ...words]) {
  const { status } = spawnSync(program, words, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${status}`);
}

/**
 * While other work goes on.
 * @param {string[]} words
 * @returns {Promise<{ status: number, stdout: string, stderr: string }>}
 */
export function ask([program = '', ...words]) {
  return new Promise((resolve) => {
    execFile(program, words, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ status: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
    });
  });
}
