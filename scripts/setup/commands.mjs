// Other programs, run so that their output is kept, their failure explained and their absence noticed.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, createWriteStream, mkdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import path from 'node:path';
import { Failure, recognise } from './failure.mjs';

/** What a translation unit that includes LibTorch takes to compile, bytes. */
const MEMORY_PER_JOB = 2.5e9;
const TAIL_LINES = 25;

/**
 * Path of a program on PATH.
 * @param {string} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function which(command, env) {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, command);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Output of a program that answers at once.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, cwd?: string }} options
 * @returns {{ ok: boolean, stdout: string, stderr: string }} not ok where it is not installed either
 */
export function ask(command, args, { env, cwd }) {
  const { status, stdout, stderr } = spawnSync(command, args, { env, cwd, encoding: 'utf8', maxBuffer: 64 << 20 });
  return { ok: status === 0, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/**
 * `ask`, without holding up what goes on beside it.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, cwd?: string }} options
 * @returns {Promise<{ ok: boolean, stdout: string, stderr: string }>}
 */
export function askBeside(command, args, { env, cwd }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stderr += text));
    child.on('error', ({ message }) => resolve({ ok: false, stdout, stderr: stderr + message }));
    child.on('close', (status) => resolve({ ok: status === 0, stdout, stderr }));
  });
}

/** Compilations at once: as many as there are processors and memory for, or TIMBRE_JOBS. */
export function jobs(env = process.env) {
  const asked = Number(env['TIMBRE_JOBS']);
  if (Number.isInteger(asked) && asked > 0) return asked;
  return Math.max(1, Math.min(availableParallelism(), Math.floor(availableMemory() / MEMORY_PER_JOB)));
}

/** Bytes that could be used without swapping. */
function availableMemory() {
  try {
    const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    if (kibibytes) return Number(kibibytes) * 1024;
  } catch {
    // No /proc: the kernel's plain figure will do.
  }
  return freemem();
}

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {string} log file that gets what the program prints
 * @property {boolean} [verbose] pass its output on as well
 * @property {string} what the activity, for the message of a failure
 * @property {string} [remedy] of failures whose cause cannot be told
 */

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} options
 * @returns {Promise<string>} what it printed
 * @throws {Failure} when it is not there or fails
 */
export async function run(command, args, { cwd, env, log, verbose = false, what, remedy }) {
  mkdirSync(path.dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: 'a' });
  /** @type {Error | undefined} a full disk, most likely */
  let unwritable;
  file.on('error', (error) => (unwritable = error));
  file.write(`$ ${[command, ...args].join(' ')}\n`);
  let output = '';
  const ended = await new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (/** @type {string} */ text) => {
        output += text;
        file.write(text);
        if (verbose) process.stderr.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal }));
  }).catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Failure(
      `${what}: the program "${command}" is not installed`,
      remedy ?? `Install ${command}, then run the same command again.`,
    );
  });
  await new Promise((resolve) => file.end(resolve));
  if (ended.status === 0) return output;
  if (unwritable) throw unwritable;

  const cause = recognise(output);
  const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  if (!verbose && tail) process.stderr.write(`${tail.replace(/^/gm, '    | ')}\n`);
  const end = ended.signal ? `was ended by ${ended.signal}` : `ended with status ${ended.status}`;
  throw new Failure(
    `${what}: ${cause ? cause.message : `${path.basename(command)} ${end}`}`,
    `${cause?.remedy ?? remedy ?? 'Its last lines are above.'}\nAll of its output: ${path.relative(process.cwd(), log)}`,
  );
}

/**
 * Runs a program in this one's place: its input, output and signals are passed on.
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<number>} exit status
 */
export function runForeground(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: 'inherit' });
    // A terminal sends SIGINT to both; a supervisor sends signals to this process alone.
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => void ((signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal)));
    }
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  });
}
