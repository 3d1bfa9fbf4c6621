// The database's own code, which comes as sources of the package `sqlite3`: compiled here, so that no install script of
// a package runs and nothing is fetched but what a lock file names, and with the one part of SQLite that the published
// build leaves out: reading and writing of pages (`sqlite_dbpage`), by which the service overwrites what was erased.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { jobs, run } from '../commands.mjs';
import { makeBuild } from '../compiler-cache.mjs';
import { Failure } from '../failure.mjs';
import { readStamp, writeStamp } from '../stamps.mjs';

const RESULT = 'build/Release/node_sqlite3.node';
const STAMP = 'build/.timbre-setup';
const DEFINES = '-DSQLITE_ENABLE_DBPAGE_VTAB=1';

/**
 * The package, wherever npm has put it.
 * @param {string} root
 * @returns {string | undefined} its folder
 */
function installed(root) {
  try {
    return path.dirname(createRequire(path.join(root, 'package.json')).resolve('sqlite3/package.json'));
  } catch {
    return undefined;
  }
}

/** @param {string} folder */
function state(folder) {
  return `${JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version} ${DEFINES}`;
}

/** @type {import('../context.mjs').Step} */
export const sqlite = {
  name: 'sqlite',
  needs: ['system', 'npm'],

  inspect({ root }) {
    const folder = installed(root);
    if (folder === undefined) {
      return existsSync(path.join(root, 'src'))
        ? { ready: false, says: 'the package sqlite3 is missing' }
        : { ready: true, says: 'no package sqlite3: the addon alone, without the service' };
    }
    const stamp = readStamp(path.join(folder, STAMP));
    if (!existsSync(path.join(folder, RESULT))) return { ready: false, says: 'sqlite3 is not compiled' };
    if (stamp === state(folder)) return { ready: true, says: RESULT };
    // Another program of the same application may use it: what its own install script made is left as it is.
    if (stamp === undefined && !existsSync(path.join(root, 'src')))
      return { ready: true, says: `${RESULT}, as published` };
    return { ready: false, says: 'sqlite3 is compiled with other options' };
  },

  async run(context) {
    const { root, env, say, options } = context;
    const folder = installed(root);
    if (folder === undefined) throw new Failure('the package sqlite3 is missing', 'Install it, then run this again.');
    const compiler = nodeGyp(folder);
    say('compiling sqlite3');
    rmSync(path.join(folder, STAMP), { force: true });
    const count = String(jobs(env));
    await run(process.execPath, [compiler, 'rebuild', '--jobs', count, ...headers(env)], {
      env: { ...makeBuild(root, env), CPPFLAGS: [env['CPPFLAGS'], DEFINES].filter(Boolean).join(' ') },
      log: context.log('sqlite'),
      verbose: options.verbose,
      cwd: folder,
      what: 'compiling sqlite3',
    });
    writeStamp(path.join(folder, STAMP), state(folder));
  },
};

/** @param {string} folder @returns {string} */
function nodeGyp(folder) {
  try {
    return createRequire(path.join(folder, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    throw new Failure(
      'sqlite3 cannot be compiled: there is no node-gyp',
      'npm install node-gyp@12, then run this again.',
    );
  }
}

/**
 * Node's own headers, where it was installed with them, so that compiling needs no download.
 * @param {NodeJS.ProcessEnv} env
 */
function headers(env) {
  const prefix = path.dirname(path.dirname(process.execPath));
  const there = existsSync(path.join(prefix, 'include', 'node', 'node.h'));
  return there && !env['npm_config_nodedir'] ? [`--nodedir=${prefix}`] : [];
}
