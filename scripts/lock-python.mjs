#!/usr/bin/env node
// Writes requirements*.txt beside each requirements*.in: every Python package with its version and the SHA-256 of its
// files, as pip is to install them (--require-hashes). To be run when a requirements*.in was changed, or packages are to
// be brought up to date.
//
//   node scripts/lock-python.mjs [--upgrade] [--only FILE ...]
//
// --only writes some of FILES, without looking at the others.
//
// Asks the package index that pip is set up for, and no other place: files found elsewhere would be locked with digests
// that only this machine knows.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './setup/entry.mjs';

const PIP_TOOLS = 'pip-tools==7.6.2';

/** PyTorch's own index has a CPU build of each version under the version `<version>+cpu`; the package index has not. */
const CPU_BUILDS = {
  // CPython 3.11, manylinux_2_28_x86_64.
  'torch==2.13.0': ['6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b'],
};

/** What only PyTorch's CUDA build asks for: in a file of its own beside the first of FILES, which has PyTorch. */
const CUDA = /^(nvidia-|cuda-|triton==)/;

/** In this order: each is resolved under the versions of the first. */
const FILES = [
  'models/requirements',
  'models/requirements-test',
  'models/requirements-lint',
  'models/requirements-onnx',
  'test/postgres/requirements',
  'models/training/requirements',
  'bench/python/requirements',
  'bench/python/requirements-conversations',
];

const { values } = parseArgs({
  options: {
    upgrade: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: FILES },
  },
});
const unknown = values.only.find((file) => !FILES.includes(file));
if (unknown !== undefined) throw new Error(`--only takes ${FILES.join(', ')}; it was given ${unknown}`);
const folder = mkdtempSync(path.join(tmpdir(), 'timbre-lock-'));
// find-links and further indexes are configuration too; the index itself may come from a variable.
const env = { ...process.env, PIP_CONFIG_FILE: '/dev/null', PIP_FIND_LINKS: '', PIP_EXTRA_INDEX_URL: '' };
try {
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  const bin = path.join(folder, 'bin');
  execFileSync(path.join(bin, 'pip'), ['--quiet', 'install', PIP_TOOLS], { env, stdio: 'inherit' });
  for (const file of FILES.filter((each) => values.only.includes(each))) {
    const output = path.join(folder, `${path.basename(file)}.txt`);
    const lock = path.join(ROOT, `${file}.txt`);
    rmSync(output, { force: true });
    // pip-compile keeps the versions of a lock file that is there.
    if (!values.upgrade && existsSync(lock)) writeFileSync(output, allPackages(lock));
    const constraint = file === FILES[0] ? [] : ['--constraint', path.join(ROOT, `${FILES[0]}.txt`)];
    const words = ['--quiet', '--generate-hashes', '--allow-unsafe', '--strip-extras', '--no-header', '--no-annotate'];
    const quiet = ['--no-emit-index-url', '--no-emit-find-links', ...(values.upgrade ? ['--upgrade'] : [])];
    execFileSync(
      path.join(bin, 'pip-compile'),
      [...words, ...quiet, ...constraint, '--output-file', output, path.join(ROOT, `${file}.in`)],
      { env, cwd: ROOT, stdio: 'inherit' },
    );
    write(file, readFileSync(output, 'utf8'));
  }
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * The lock file, with what was taken out of it into its CUDA half.
 * @param {string} lock
 */
function allPackages(lock) {
  const cuda = lock.replace(/\.txt$/, '-cuda.txt');
  return [lock, cuda]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('');
}

/**
 * @param {string} file without its ending
 * @param {string} compiled
 */
function write(file, compiled) {
  const head = `# Written by scripts/lock-python.mjs from ${path.basename(file)}.in.\n`;
  const blocks = compiled.split(/\n(?=[a-z0-9])/i).filter((block) => /^[\w.-]+==/.test(block));
  const complete = blocks.map((block) => `${withCpuBuild(block.replace(/\n#.*/g, '').trimEnd())}\n`);
  const plain = complete.filter((block) => !CUDA.test(block));
  const cuda = complete.filter((block) => CUDA.test(block));
  writeFileSync(path.join(ROOT, `${file}.txt`), head + plain.join(''));
  if (file === FILES[0]) writeFileSync(path.join(ROOT, `${file}-cuda.txt`), head + cuda.join(''));
}

/** @param {string} block */
function withCpuBuild(block) {
  const [pinned = ''] = block.split(/[\s;]/, 1);
  const digests = CPU_BUILDS[/** @type {keyof typeof CPU_BUILDS} */ (pinned)] ?? [];
  if (pinned.startsWith('torch==') && digests.length === 0) {
    throw new Error(`CPU_BUILDS has no digest for ${pinned}`);
  }
  return [block, ...digests.map((digest) => `    --hash=sha256:${digest}`)].join(' \\\n');
}
