import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PYTHON = join(ROOT, '.venv', 'bin', 'python');

/** Runs the `timbre` command; its messages are shown, its result is returned. */
export function timbre(...argv) {
  return execFileSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...argv], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs a module of models/. */
export function python(...argv) {
  execFileSync(PYTHON, ['-m', ...argv], {
    env: { ...process.env, PYTHONPATH: join(ROOT, 'models') },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
