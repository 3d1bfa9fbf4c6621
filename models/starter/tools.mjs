import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PYTHON = process.env.TIMBRE_PYTHON ?? join(ROOT, '.venv', 'bin', 'python');

/** Runs the `timbre` command; its messages are shown, its result is returned. */
export function timbre(argv, env = {}) {
  return execFileSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...argv], {
    encoding: 'utf8',
    // A calibration of the environment would take the place of the bundle's.
    env: { ...process.env, TIMBRE_CALIBRATION: '', ...env },
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs a module of models/; its messages are shown, its output is returned. */
export function python(...argv) {
  return execFileSync(PYTHON, ['-m', ...argv], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: join(ROOT, 'models') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
