// The checks of `npm run lint`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ask, run, which } from '../setup/commands.mjs';
import { Failure } from '../setup/failure.mjs';
import { filesBelow } from '../setup/stamps.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {() => string[]} command that exits with 0 when all is well
 * @property {() => string[][]} [mend] commands that put right what they can
 * @property {Record<string, string>} [env]
 * @property {() => Promise<string | undefined>} [prepare] says why the check is left out, if it must be
 */

/** Rooms that clang-tidy reads: those that compile without LibTorch, whose headers take it minutes. */
const TIDY_BUILD = 'build-asan';

/**
 * @param {string} root
 * @returns {Check[]}
 */
function allChecks(root) {
  const venv = (/** @type {string} */ name) => path.join(root, '.venv', 'bin', name);
  const node = (/** @type {string[]} */ ...words) => [process.execPath, ...words];
  const bin = (/** @type {string} */ name) => path.join(root, 'node_modules', '.bin', name);
  const native = () =>
    ['native', 'test/native', 'bench/native']
      .map((name) => path.join(root, name))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => filesBelow(folder, (name) => /\.(h|cpp)$/.test(name)));
  const python = ['models', 'test/fixtures'].filter((name) => existsSync(path.join(root, name)));
  const eslint = [bin('eslint'), '.', '--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint/'];
  const ruff = ['--config', 'models/ruff.toml', '--no-cache', ...python];

  return [
    { name: 'eslint', command: () => eslint, mend: () => [[...eslint, '--fix']] },
    {
      name: 'prettier',
      command: () => [bin('prettier'), '--log-level', 'warn', '--check', '**/*.{ts,tsx,js,mjs,json,css}'],
      mend: () => [[bin('prettier'), '--log-level', 'warn', '--write', '**/*.{ts,tsx,js,mjs,json,css}']],
    },
    { name: 'types', command: () => [bin('tsc'), '--noEmit'] },
    { name: 'types of the console', command: () => [bin('tsc'), '-p', 'src/console'] },
    { name: 'types of the tests of the console', command: () => [bin('tsc'), '-p', 'test/console'] },
    { name: 'types of scripts', command: () => [bin('tsc'), '-p', 'scripts'] },
    {
      name: 'clang-format',
      command: () => [venv('clang-format'), '--dry-run', '-Werror', ...native()],
      mend: () => [[venv('clang-format'), '-i', ...native()]],
    },
    {
      name: 'clang-tidy',
      prepare: () => prepareTidy(root),
      command: () => node('scripts/lint/clang-tidy.mjs', TIDY_BUILD),
    },
    {
      name: 'ruff',
      command: () => [venv('ruff'), 'check', '--quiet', ...ruff],
      mend: () => [[venv('ruff'), 'check', '--quiet', '--fix', ...ruff]],
    },
    {
      name: 'ruff format',
      command: () => [venv('ruff'), 'format', '--quiet', '--diff', ...ruff],
      mend: () => [[venv('ruff'), 'format', '--quiet', ...ruff]],
    },
    { name: 'rooms', command: () => node('scripts/check-rooms.mjs') },
    { name: 'dependencies', command: () => [bin('depcruise'), 'src', '--output-type', 'err-long'] },
    { name: 'hardening', command: () => node('scripts/check-hardening.mjs') },
    {
      name: 'error tables',
      command: () => node('scripts/generate-errors.mjs', '--check'),
      mend: () => [node('scripts/generate-errors.mjs')],
    },
    {
      name: 'service pages',
      command: () => node('scripts/generate-docs.mjs', '--check'),
      mend: () => [node('scripts/generate-docs.mjs')],
    },
    {
      name: 'client',
      command: () => node('scripts/generate-client.mjs', '--check'),
      mend: () => [node('scripts/generate-client.mjs')],
    },
    {
      name: 'licences',
      command: () => node('scripts/generate-licences.mjs', '--check'),
      mend: () => [node('scripts/generate-licences.mjs')],
    },
    { name: 'bill of materials', command: () => node('scripts/sbom.mjs') },
    {
      name: 'skeletons',
      env: { PYTHONPATH: path.join(root, 'models'), PYTHONDONTWRITEBYTECODE: '1' },
      prepare: () =>
        Promise.resolve(
          ask(venv('python'), ['-c', 'import torch'], { env: process.env }).ok
            ? undefined
            : 'PyTorch in .venv is for linking only',
        ),
      command: () => [venv('python'), '-m', 'timbre_models.skeletons', '--check'],
    },
  ];
}

/**
 * @param {string} root
 * @param {string[]} only names; none means all
 */
export function choose(root, only) {
  const checks = allChecks(root);
  const unknown = only.find((name) => !checks.some((check) => check.name === name));
  if (unknown)
    throw new Failure(`there is no check "${unknown}"`, `Checks are: ${checks.map(({ name }) => name).join(', ')}.`);
  return checks.filter(({ name }) => only.length === 0 || only.includes(name));
}

/**
 * Runs checks, some at once; prints a line each, and the output of those that fail.
 * @param {string} root
 * @param {Check[]} checks
 * @param {{ fix: boolean }} options
 */
export async function runChecks(root, checks, { fix }) {
  if (fix) {
    for (const command of checks.flatMap(({ mend }) => mend?.() ?? [])) await execute(root, command, {});
  }
  let passed = 0;
  let failed = 0;
  const waiting = [...checks];
  const work = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const started = performance.now();
      const skipped = await check.prepare?.();
      if (skipped) {
        process.stderr.write(`  --    ${check.name}: left out (${skipped})\n`);
        continue;
      }
      const { status, output } = await execute(root, check.command(), check.env ?? {});
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      if (status === 0) ++passed;
      else ++failed;
      process.stderr.write(`  ${status === 0 ? 'ok  ' : 'FAIL'}  ${check.name} (${seconds} s)\n`);
      if (status !== 0) process.stderr.write(`${output.trimEnd().replace(/^/gm, '      | ')}\n`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { passed, failed };
}

/**
 * @param {string} root
 * @param {string[]} command
 * @param {Record<string, string>} env
 * @returns {Promise<{ status: number, output: string }>}
 */
function execute(root, [program = '', ...words], env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/**
 * clang-tidy reads the commands of a build; none is built for it.
 * @param {string} root
 * @returns {Promise<string | undefined>}
 */
async function prepareTidy(root) {
  if (existsSync(path.join(root, TIDY_BUILD, 'compile_commands.json'))) return undefined;
  const generator = which('ninja', process.env) ? ['-G', 'Ninja'] : [];
  const definitions = ['-DTIMBRE_BUILD_TESTS=ON', '-DTIMBRE_WITH_TORCH=OFF', '-DTIMBRE_SANITIZE=address,undefined'];
  await run('cmake', ['-S', '.', '-B', TIDY_BUILD, ...generator, ...definitions], {
    cwd: root,
    env: process.env,
    log: path.join(root, '.cache', 'lint', 'clang-tidy.log'),
    what: 'configuring for clang-tidy',
  });
  return undefined;
}
