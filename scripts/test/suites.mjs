// The suites of `npm test`: how each is built, run and counted.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { dropForeign } from '../setup/cmake.mjs';
import { ask, askBeside, jobs, run, which } from '../setup/commands.mjs';
import { nativeBuild } from '../setup/compiler-cache.mjs';
import { explain, Failure } from '../setup/failure.mjs';
import { filesBelow } from '../setup/stamps.mjs';
import { externalLibTorch, sitePackages } from '../setup/steps/python.mjs';
import { NOT_TO_BE_HAD, runNodeVersions } from './node-versions.mjs';
import { mayBeLeftOut, listOf, readJest, readJUnit, sum, total } from './reports.mjs';

export { sum };

/** @typedef {import('./reports.mjs').Counts} Counts */
/** @typedef {{ verbose?: boolean }} SuiteOptions */
/** @typedef {Counts & { skips: import('./reports.mjs').SkippedTest[] }} Outcome */
/**
 * `onOne`: keeps one processor busy, and runs beside such a one that follows.
 * @typedef {{ name: string, onOne?: boolean, run: (root: string, options: SuiteOptions) => Promise<Outcome> }} Suite
 */

/** A suite that has not ended by then is ended, and has failed. */
const LONGEST_MS = 45 * 60_000;

/** @type {Suite[]} */
export const SUITES = [
  { name: 'native', run: (root, options) => native(root, 'build-test', [], options) },
  {
    name: 'sanitizers',
    // LibTorch is built without them, and its allocations would drown ours.
    run: (root, options) =>
      native(root, 'build-asan', ['TIMBRE_WITH_TORCH=OFF', 'TIMBRE_SANITIZE=address,undefined'], options),
  },
  { name: 'jest', run: (root) => jest(root) },
  // What says nothing about a database, once more on PostgreSQL.
  { name: 'postgres', run: (root) => jest(root, 'jest.postgres.config.js') },
  // Some of it on a later version, which searches voices by pgvector.
  { name: 'postgres18', run: (root) => jest(root, 'jest.postgres18.config.js') },
  { name: 'python', onOne: true, run: python },
  { name: 'node-versions', onOne: true, run: runNodeVersions },
];

/** What `--fast` leaves out. */
const FULL = ['sanitizers', 'node-versions'];

/**
 * Suites that the options ask for.
 * @param {{ fast?: boolean, only?: string[] }} options
 */
export function choose({ fast = false, only = [] }) {
  const unknown = only.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown) {
    throw new Failure(`there is no suite "${unknown}"`, `Suites are: ${SUITES.map(({ name }) => name).join(', ')}.`);
  }
  return SUITES.filter(({ name }) => (only.length > 0 ? only.includes(name) : !(fast && FULL.includes(name))));
}

/**
 * Runs suites, whatever happens to those before, and says what was left out and why: that must be one of MAY_LACK, or it is a
 * failure.
 * @param {string} root
 * @param {Suite[]} suites
 * @param {SuiteOptions} options
 * @returns {Promise<Counts>}
 */
export async function runSuites(root, suites, options) {
  /** @type {{ name: string, counts: Outcome, seconds: number }[]} */
  const rows = [];
  /** @param {Suite} suite */
  const runOne = async (suite) => {
    process.stderr.write(`${suite.name}\n`);
    const started = performance.now();
    /** @type {Outcome} */
    let counts;
    try {
      counts = await suite.run(root, options);
    } catch (error) {
      const failure = explain(error);
      process.stderr.write(`  ${failure.message}\n${failure.remedy.replace(/^/gm, '    ')}\n`);
      counts = { passed: 0, failed: 1, skipped: 0, skips: [] };
    }
    const seconds = (performance.now() - started) / 1000;
    rows.push({ name: suite.name, counts, seconds });
    process.stderr.write(`  ${suite.name}: ${sum(counts)} (${seconds.toFixed(0)} s)\n\n`);
  };
  for (const several of together(suites)) await Promise.all(several.map(runOne));
  for (const { name, counts, seconds } of rows) {
    process.stderr.write(`${name.padEnd(15)}${sum(counts).padEnd(40)}${seconds.toFixed(0).padStart(5)} s\n`);
  }
  const all = total(rows.map(({ counts }) => counts));
  const skips = rows.flatMap(({ name, counts }) =>
    counts.skips.map((skip) => ({ ...skip, name: `${name} ${skip.name}` })),
  );
  const accepted = skips.filter(mayBeLeftOut);
  const unavailable = skips.filter(({ reason }) => reason.startsWith(NOT_TO_BE_HAD));
  const others = skips.filter((skip) => !mayBeLeftOut(skip) && !unavailable.includes(skip));
  if (accepted.length > 0)
    process.stderr.write(`\nleft out for want of hardware, or of the speech beside the project:\n${listOf(accepted)}`);
  if (unavailable.length > 0) process.stderr.write(`\nleft out for want of a download:\n${listOf(unavailable)}`);
  if (others.length > 0) {
    process.stderr.write(
      `\nleft out for another reason, which is a failure (\`npm run setup\` installs what tests need):\n`,
    );
    process.stderr.write(listOf(others));
  }
  return { passed: all.passed, failed: all.failed + others.length, skipped: accepted.length + unavailable.length };
}

/**
 * What runs at once, in order.
 * @param {Suite[]} suites
 * @returns {Suite[][]}
 */
export function together(suites) {
  /** @type {Suite[][]} */
  const stages = [];
  for (const suite of suites) {
    const last = stages.at(-1);
    if (last?.length === 1 && last[0]?.onOne && suite.onOne) last.push(suite);
    else stages.push([suite]);
  }
  return stages;
}

/**
 * Configures, builds and runs the GoogleTest programs.
 * @param {string} root
 * @param {string} folder of the build
 * @param {string[]} definitions `NAME=value` for CMake
 * @param {SuiteOptions} options
 */
async function native(root, folder, definitions, { verbose = false }) {
  const { definitions: common, env } = nativeBuild(root, process.env);
  const log = path.join(root, '.cache', 'test', `${folder}.log`);
  const settings = { cwd: root, env, log, verbose };
  const torch = externalLibTorch(env) ?? path.join(sitePackages(root) ?? '', 'torch');
  dropForeign(root, folder);
  const fresh = !existsSync(path.join(root, folder, 'CMakeCache.txt'));
  const generator = fresh && which('ninja', env) ? ['-G', 'Ninja'] : [];
  const facts = [`LIBTORCH=${torch}`, 'TIMBRE_BUILD_TESTS=ON', ...common, ...definitions].map((fact) => `-D${fact}`);
  rmSync(log, { force: true });
  await run('cmake', ['-S', '.', '-B', folder, ...generator, ...facts], {
    ...settings,
    what: 'configuring the native tests',
    remedy: `If the compiler or LibTorch changed, delete ${folder}/ and run the same command again.`,
  });
  process.stderr.write('  building\n');
  await run('cmake', ['--build', folder, '--parallel', String(jobs(env))], {
    ...settings,
    what: 'building the native tests',
  });

  process.stderr.write('  running\n');
  const report = path.join(root, folder, 'ctest.xml');
  rmSync(report, { force: true });
  const parallel = String(availableParallelism());
  const words = ['--test-dir', folder, '--parallel', parallel, '--timeout', '300', '--output-junit', report];
  const sanitizers = { ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1', UBSAN_OPTIONS: 'print_stacktrace=1' };
  const ran = ask('ctest', words, { cwd: root, env: { ...sanitizers, ...env } });
  return counted(report, ran);
}

/**
 * Counts of a JUnit report, its failures told.
 * @param {string} report
 * @param {{ ok: boolean, stdout: string, stderr: string }} ran
 * @returns {Outcome}
 */
function counted(report, ran) {
  if (!existsSync(report)) throw new Failure('the test runner wrote no report', `${ran.stdout}${ran.stderr}`.trim());
  const { failures, ...counts } = readJUnit(readFileSync(report, 'utf8'));
  for (const { name, message } of failures)
    process.stderr.write(`  FAILED ${name}\n${message.replace(/^/gm, '    | ')}\n`);
  if (counts.passed + counts.failed === 0)
    throw new Failure('there was no test to run', `${ran.stdout}${ran.stderr}`.trim());
  if (!ran.ok && counts.failed === 0)
    throw new Failure('the test runner failed, but no test did', `${ran.stdout}${ran.stderr}`.trim());
  return counts;
}

/**
 * @param {string} root
 * @param {string} [config]
 * @returns {Promise<Outcome>}
 */
async function jest(root, config = 'jest.config.js') {
  const report = path.join(root, '.cache', 'test', `${path.parse(config).name}.json`);
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const words = [
    '--experimental-vm-modules',
    '--no-warnings',
    path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
  ];
  // One more than processors: tests wait for disks, browsers and times that pass.
  const workers = `--maxWorkers=${availableParallelism() + 1}`;
  const status = await watch(
    process.execPath,
    [...words, '--ci', '--config', config, workers, '--json', `--outputFile=${report}`],
    root,
  );
  if (!existsSync(report)) throw new Failure(`jest wrote no report (exit status ${status})`, 'Its output is above.');
  const counts = readJest(readFileSync(report, 'utf8'));
  if (status !== 0 && counts.failed === 0)
    throw new Failure(`jest ended with status ${status}, but no test failed`, 'Its output is above.');
  return counts;
}

/**
 * @param {string} root
 * @returns {Promise<Outcome>}
 */
async function python(root) {
  const tests = filesBelow(path.join(root, 'models'), (name) => /^test_.*\.py$/.test(name));
  if (tests.length === 0) return { passed: 0, failed: 0, skipped: 0, skips: [] };
  const interpreter = path.join(root, '.venv', 'bin', 'python');
  const env = { ...process.env, PYTHONPATH: path.join(root, 'models') };
  if (!(await askBeside(interpreter, ['-c', 'import torch'], { env })).ok) {
    throw new Failure(
      'PyTorch in .venv is for linking only, and the tests in Python compute with it',
      'Set up with TIMBRE_TORCH=cpu, or with all of CUDA (see `npm run setup -- --help`).',
    );
  }
  const report = path.join(root, '.cache', 'test', 'pytest.xml');
  rmSync(report, { force: true });
  const words = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`, ...tests];
  return counted(report, await askBeside(interpreter, words, { cwd: root, env }));
}

/**
 * Runs a program with its output on stderr, and ends it when it does not end by itself.
 * @param {string} command
 * @param {string[]} words
 * @param {string} cwd
 * @returns {Promise<number>} exit status
 */
function watch(command, words, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd, stdio: ['ignore', 2, 2], timeout: LONGEST_MS, killSignal: 'SIGKILL' });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
