// A virtual environment with PyTorch: LibTorch's headers and libraries come from the wheel, and conversion and training
// run in it. Nothing of it runs when Timbre embeds.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ask, run, which } from '../commands.mjs';
import { Failure } from '../failure.mjs';
import { isOlder } from '../platform.mjs';

const OLDEST_PYTHON = '3.11';

/**
 * What PyTorch's CUDA build for x86-64 must find to be linked on a machine without CUDA; the rest of its 4 GB of
 * libraries is only needed to compute on a GPU, or to import it in Python.
 */
const CUDA_STUBS = ['nvidia-cuda-runtime', 'nvidia-cuda-cupti'];

/** What torch needs on a GPU, apart from the rest. */
const CUDA_FILE = 'models/requirements-cuda.txt';

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {'cpu' | 'cuda' | 'none'}
 */
export function torchKind(env) {
  const kind = env['TIMBRE_TORCH'] || 'cpu';
  if (kind !== 'cpu' && kind !== 'cuda' && kind !== 'none') {
    throw new Failure(
      `TIMBRE_TORCH is "${kind}"`,
      'Set it to cpu (the default), cuda, or none (which takes LIBTORCH or Torch_DIR).',
    );
  }
  if (externalLibTorch(env)) return 'none';
  if (kind === 'none') {
    throw new Failure(
      'TIMBRE_TORCH=none, and neither LIBTORCH nor Torch_DIR names a LibTorch',
      'Set LIBTORCH to the folder of LibTorch that holds lib/ and include/, or leave TIMBRE_TORCH out.',
    );
  }
  return kind;
}

/**
 * Folder of a LibTorch that the user brings.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 * @throws {Failure} when it is named and is none
 */
export function externalLibTorch(env) {
  const folder = env['LIBTORCH'] || (env['Torch_DIR'] && path.resolve(env['Torch_DIR'], '../../..'));
  if (!folder) return undefined;
  if (!existsSync(path.join(folder, 'lib', 'libtorch_cpu.so')) || !existsSync(path.join(folder, 'include', 'torch'))) {
    throw new Failure(
      `${env['LIBTORCH'] ? 'LIBTORCH' : 'Torch_DIR'} names no LibTorch: ${folder} lacks lib/libtorch_cpu.so or include/torch`,
      'Set LIBTORCH to the folder of LibTorch that holds lib/ and include/, or unset it to have PyTorch installed here.',
    );
  }
  return folder;
}

/**
 * @param {string} root
 * @returns {string | undefined} site-packages of the virtual environment
 */
export function sitePackages(root) {
  const lib = path.join(root, '.venv', 'lib');
  const python = existsSync(lib) && readdirSync(lib).find((name) => /^python3\.\d+$/.test(name));
  return python ? path.join(lib, python, 'site-packages') : undefined;
}

/**
 * Pinned requirements of a lock file, each with its digests.
 * @param {string} file
 * @returns {{ name: string, version: string, block: string }[]} `block`: the lines, as pip reads them
 */
export function lockedPackages(file) {
  return readFileSync(file, 'utf8')
    .split(/\n(?=\S)/)
    .flatMap((block) => {
      const [, name, version] = /^([\w.-]+)==([\w.]+)/.exec(block) ?? [];
      return name && version ? [{ name, version, block: block.trimEnd() }] : [];
    });
}

/**
 * Installs packages of lock files, exactly those and only files with the digests that are named there.
 * @param {import('../context.mjs').Context} context
 * @param {string[]} blocks of lock files
 * @param {{ what: string, words?: string[] }} more words for pip
 */
export async function installLocked(context, blocks, { what, words = [] }) {
  const folder = mkdtempSync(path.join(context.scratch(), 'pip-'));
  try {
    const file = path.join(folder, 'requirements.txt');
    writeFileSync(file, `${blocks.join('\n')}\n`);
    // Everything that a package needs is in its lock file: nothing is resolved, and nothing else is installed.
    const exact = ['install', '--retries', '2', '--require-hashes', '--no-deps', ...words, '-r', file];
    await run(interpreter(context.root), [...PIP, ...exact], {
      cwd: context.root,
      env: context.env,
      log: context.log('python'),
      verbose: context.options.verbose,
      what,
      remedy:
        'If pip says that hashes do not match, its index gives other files than were locked: take another index, or for ' +
        'a build of PyTorch that you trust name its digest in TIMBRE_TORCH_SHA256.',
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PIP = ['-m', 'pip', '--no-input', '--disable-pip-version-check'];

/**
 * Versions installed in the virtual environment, by normalised name.
 * @param {string} root
 */
function installed(root) {
  const folder = sitePackages(root);
  /** @type {Map<string, string>} */
  const versions = new Map();
  if (!folder || !existsSync(folder)) return versions;
  for (const entry of readdirSync(folder)) {
    const [, name, version] = /^(.+)-([^-]+)\.dist-info$/.exec(entry) ?? [];
    if (name && version) versions.set(normalise(name), version);
  }
  return versions;
}

/** @param {string} name */
const normalise = (name) => name.toLowerCase().replace(/[-_.]+/g, '-');

const TEST_FILES = ['models/requirements-test.txt', 'models/requirements-onnx.txt', 'test/postgres/requirements.txt'];

/** Requirement files that this run needs. @param {import('../context.mjs').Context} context */
function files({ root, env, options }) {
  return [
    ...(torchKind(env) === 'none' ? [] : ['models/requirements.txt']),
    ...(options.tests ? TEST_FILES : []),
    ...(options.lint ? ['models/requirements-lint.txt'] : []),
  ]
    .map((name) => path.join(root, name))
    .filter((name) => existsSync(name));
}

/** @param {string} root */
const interpreter = (root) => path.join(root, '.venv', 'bin', 'python');

/**
 * Which builds of PyTorch are installed.
 * @param {string} root
 */
function torchBuild(root) {
  const folder = sitePackages(root);
  const version = folder && path.join(folder, 'torch', 'version.py');
  if (!version || !existsSync(version)) return undefined;
  const cuda = /^cuda(?:: [^=]+)? = '([\d.]+)'/m.exec(readFileSync(version, 'utf8'))?.[1];
  return { cuda, complete: existsSync(path.join(folder, 'torch', 'lib', 'libtorch_cpu.so')) };
}

/** @type {import('../context.mjs').Step} */
export const python = {
  name: 'python',
  needs: ['system'],

  inspect(context) {
    const { root, env } = context;
    const kind = torchKind(env);
    if (!existsSync(interpreter(root))) return { ready: false, says: 'no virtual environment in .venv' };
    const there = installed(root);
    const pinned = files(context).flatMap(lockedPackages);
    const absent = pinned.filter(({ name, version }) => there.get(normalise(name))?.split('+')[0] !== version);
    if (absent.length > 0) {
      return {
        ready: false,
        says: `not in .venv: ${absent.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
      };
    }
    if (kind === 'none') return { ready: true, says: `LibTorch in ${externalLibTorch(env) ?? ''}` };
    const build = torchBuild(root);
    if (!build?.complete) return { ready: false, says: 'PyTorch in .venv is incomplete' };
    if (kind === 'cuda' && !build.cuda) return { ready: false, says: 'PyTorch in .venv is the CPU build' };
    if (build.cuda && !there.has('nvidia-cuda-runtime'))
      return { ready: false, says: 'PyTorch in .venv lacks the CUDA runtime' };
    const importable = !build.cuda || there.has('nvidia-cudnn-cu13');
    return {
      ready: true,
      says:
        `PyTorch ${there.get('torch') ?? ''} (${build.cuda ? `CUDA ${build.cuda}` : 'CPU'})` +
        (importable ? '' : ', for linking only: conversion in Python and training need the CPU build'),
    };
  },

  async run(context) {
    const { root, env, say, options } = context;
    const kind = torchKind(env);
    const settings = { cwd: root, env, log: context.log('python'), verbose: options.verbose };
    const executable = interpreter(root);
    const usable = existsSync(executable) && ask(executable, ['-m', 'pip', '--version'], { env }).ok;
    if (!usable) {
      const base = basePython(env);
      say('making .venv');
      rmSync(path.join(root, '.venv'), { recursive: true, force: true });
      await run(base, ['-m', 'venv', path.join(root, '.venv')], {
        ...settings,
        what: 'making the virtual environment',
      });
    }

    const [first, ...further] = files(context);
    const wantsTorch = kind !== 'none' && first !== undefined;
    if (wantsTorch) await installTorch(context, first);
    for (const file of wantsTorch ? further : files(context)) {
      say(`pip install -r ${path.relative(root, file)}`);
      const blocks = lockedPackages(file).map(({ block }) => block);
      await installLocked(context, blocks, { what: `installing ${path.basename(file)}` });
    }
  },
};

/**
 * @param {import('../context.mjs').Context} context
 * @param {string} file the lock file with PyTorch in it
 */
async function installTorch(context, file) {
  const { root, env, say } = context;
  const packages = lockedPackages(file);
  const torch = packages.find(({ name }) => name === 'torch');
  if (!torch) throw new Failure(`${path.relative(root, file)} has no PyTorch`, 'Restore the file.');
  const digest = env['TIMBRE_TORCH_SHA256'];
  if (digest && !/^[0-9a-f]{64}$/.test(digest)) {
    throw new Failure(
      `TIMBRE_TORCH_SHA256 is "${digest}"`,
      'Set it to the SHA-256 of the wheel, 64 hexadecimal digits.',
    );
  }
  const block = digest ? `${torch.block} \\\n    --hash=sha256:${digest}` : torch.block;
  // A further index would be asked for every package, and whoever owns a name there could give theirs.
  const index = env['TIMBRE_TORCH_INDEX'] ? ['--index-url', env['TIMBRE_TORCH_INDEX']] : [];

  say('looking which PyTorch build there is');
  const kind = torchKind(env);
  const build = await findTorch(context, kind === 'cpu' ? [cpuBuild(block), block] : [block], index);
  if (kind === 'cuda' && !build.cuda) {
    throw new Failure(
      `TIMBRE_TORCH=cuda, and the package index has only PyTorch ${build.version}`,
      'Set TIMBRE_TORCH_INDEX to the PyTorch wheel index for your CUDA version, or leave TIMBRE_TORCH out.',
    );
  }
  const remark = build.cuda && kind === 'cpu' ? ' (the CUDA build is all there is; some 700 MB)' : '';
  say(`pip install torch ${build.version}${remark}`);
  const fresh = kind === 'cuda' && torchBuild(root)?.cuda === undefined ? ['--force-reinstall'] : [];
  await installLocked(context, [build.block], { what: 'installing PyTorch', words: [...index, ...fresh] });
  const gpu = build.cuda ? lockedPackages(path.join(root, CUDA_FILE)) : [];
  const rest = [
    ...packages.filter((each) => each !== torch),
    ...gpu.filter(({ name }) => kind === 'cuda' || CUDA_STUBS.includes(name)),
  ];
  await installLocked(
    context,
    rest.map((each) => each.block),
    { what: 'installing what PyTorch needs' },
  );
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} a Python that can make virtual environments
 */
function basePython(env) {
  const command = env['TIMBRE_PYTHON'] || 'python3';
  if (!command.includes('/') && !which(command, env)) {
    throw new Failure(
      `there is no ${command}`,
      'Install Python (Debian: sudo apt-get install -y python3-venv), or name one: TIMBRE_PYTHON=/path/to/python3.',
    );
  }
  const version = ask(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { env }).stdout.trim();
  if (!version) {
    throw new Failure(`${command} does not run`, 'Name a Python that does: TIMBRE_PYTHON=/path/to/python3.');
  }
  if (isOlder(version, OLDEST_PYTHON)) {
    throw new Failure(
      `${command} is Python ${version}; PyTorch and NumPy as pinned here need ${OLDEST_PYTHON} or newer`,
      'Install a newer one and name it: TIMBRE_PYTHON=/path/to/python3.',
    );
  }
  if (!ask(command, ['-c', 'import venv, ensurepip'], { env }).ok) {
    throw new Failure(
      `${command} cannot make virtual environments`,
      'Install the missing part (Debian: sudo apt-get install -y python3-venv), then run the same command again.',
    );
  }
  return command;
}

/**
 * The CPU build of the same version, by its own name: of two builds under one version pip takes the one whose digest its
 * index announces, which a folder of wheels does not.
 * @param {string} block of the lock file
 */
const cpuBuild = (block) => block.replace(/^torch==[\w.]+/, '$&+cpu');

/**
 * Which build of PyTorch pip would install, asked without installing it: of the first block for which there is one.
 * @param {import('../context.mjs').Context} context
 * @param {string[]} blocks of the lock file, the most wanted first
 * @param {string[]} index words for pip
 * @returns {Promise<{ version: string, cuda: boolean, block: string }>}
 */
async function findTorch(context, blocks, index) {
  const [block = '', ...others] = blocks;
  const folder = mkdtempSync(path.join(context.scratch(), 'pip-'));
  try {
    const report = path.join(folder, 'report.json');
    const words = ['--dry-run', '--ignore-installed', '--quiet', '--report', report, ...index];
    await installLocked(context, [block], { what: 'looking for PyTorch', words });
    /** @type {{ install: { metadata: { name: string, version: string, requires_dist?: string[] } }[] }} */
    const { install: found } = JSON.parse(readFileSync(report, 'utf8'));
    const torch = found.find(({ metadata }) => metadata.name === 'torch')?.metadata;
    if (!torch) throw new Failure('pip found no PyTorch', 'Look at its output: .cache/setup/python.log');
    // The package index has one build a platform: for x86-64 the one for CUDA, for others the one without.
    const cuda = process.arch === 'x64' && (torch.requires_dist ?? []).some((name) => /^(nvidia|cuda)-/.test(name));
    return { version: torch.version, cuda, block };
  } catch (error) {
    // Whatever it was: the last one that is tried says it again.
    if (others.length === 0) throw error;
    return await findTorch(context, others, index);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
