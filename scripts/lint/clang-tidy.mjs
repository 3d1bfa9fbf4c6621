// Runs clang-tidy on the native sources of a build that have changed since they were last found clean.
// Usage: node clang-tidy.mjs <build folder>
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { askBeside } from '../setup/commands.mjs';
import { ROOT } from '../setup/entry.mjs';
import { digest, filesBelow, readStamp, writeStamp } from '../setup/stamps.mjs';

const [build = ''] = process.argv.slice(2);
const program = path.join(ROOT, '.venv', 'bin', 'clang-tidy');
const native = path.join(ROOT, 'native');

/** @type {{ file: string }[]} */
const commands = JSON.parse(readFileSync(path.join(ROOT, build, 'compile_commands.json'), 'utf8'));
const sources = [...new Set(commands.map(({ file }) => file))].filter(
  (file) => file.startsWith(`${native}${path.sep}`) && existsSync(file),
);
// Which headers a source includes only a compiler knows: any header's change means all of them again.
const settings = ['.clang-tidy', 'models/requirements-lint.txt'].map((name) => path.join(ROOT, name));
const headers = [...settings, ...filesBelow(native, (name) => /\.(h|inc)$/.test(name))];

const waiting = sources
  .map((file) => ({
    file,
    state: digest(ROOT, [file, ...headers]),
    stamp: path.join(ROOT, '.cache', 'clang-tidy', path.relative(ROOT, file)),
  }))
  .filter(({ state, stamp }) => readStamp(stamp) !== state);

async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { file, state, stamp } = next;
    const { ok, stdout, stderr } = await tidy(file);
    if (ok) {
      writeStamp(stamp, state);
    } else {
      // stderr: counts of suppressed warnings, and the errors of a source that does not compile.
      process.stdout.write(stdout || stderr);
      process.exitCode = 1;
    }
  }
}

/**
 * @param {string} file
 * @returns {Promise<{ ok: boolean, stdout: string, stderr: string }>}
 */
function tidy(file) {
  // The build's flags are GCC's. What the analyzer does deeply takes more than all other checks together.
  const extra = ['-Wno-unknown-warning-option', '-Xclang', '-analyzer-config', '-Xclang', 'mode=shallow'];
  const words = ['-p', path.join(ROOT, build), '--quiet', ...extra.map((word) => `--extra-arg=${word}`), file];
  return askBeside(program, words, { env: process.env });
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
