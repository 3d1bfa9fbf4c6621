// npm packages, exactly as package-lock.json has them, without running their install scripts; those that are compiled
// are compiled here, so that nothing is fetched but what the lock file names.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { jobs, run, which } from '../commands.mjs';
import { Failure } from '../failure.mjs';

/** Packages with C++ of their own, and what compiling them gives. */
const COMPILED = [{ name: 'sqlite3', result: 'build/Release/node_sqlite3.node' }];

/** @typedef {{ version?: string, optional?: boolean, link?: boolean }} LockedPackage */

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage>} by path, "node_modules/..."
 */
function packages(file) {
  /** @type {{ packages: Record<string, LockedPackage> }} */
  const { packages: all } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.fromEntries(Object.entries(all).filter(([location, { link }]) => location !== '' && !link));
}

/**
 * Whether node_modules is what the lock file says, by npm's own record of what it installed. Optional packages may be
 * missing: most are builds for other platforms.
 * @param {string} root
 */
function difference(root) {
  const record = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'node_modules is missing';
  const locked = packages(path.join(root, 'package-lock.json'));
  const present = packages(record);
  const names = [
    ...Object.keys(locked).filter((name) => {
      const there = present[name];
      return there ? there.version !== locked[name]?.version : !locked[name]?.optional;
    }),
    ...Object.keys(present).filter((name) => !(name in locked)),
  ].map((name) => name.replace(/^.*node_modules\//, ''));
  if (names.length === 0) return undefined;
  return `node_modules differs from package-lock.json: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and more' : ''}`;
}

/** @param {string} root */
function uncompiled(root) {
  return COMPILED.filter(({ name, result }) => {
    const folder = path.join(root, 'node_modules', name);
    return existsSync(folder) && !existsSync(path.join(folder, result));
  });
}

/** @type {import('../context.mjs').Step} */
export const npm = {
  name: 'npm',

  inspect({ root }) {
    const differs = difference(root);
    if (differs) return { ready: false, says: differs };
    const missing = uncompiled(root);
    if (missing.length > 0)
      return { ready: false, says: `not compiled: ${missing.map(({ name }) => name).join(', ')}` };
    return {
      ready: true,
      says: `${Object.keys(packages(path.join(root, 'node_modules', '.package-lock.json'))).length} packages`,
    };
  },

  async run(context) {
    const { root, env, say, options } = context;
    const settings = { cwd: root, env, log: context.log('npm'), verbose: options.verbose };
    if (!which('npm', env)) {
      throw new Failure(
        'there is no npm',
        'Install it (it comes with Node.js; Debian has it apart: sudo apt-get install -y npm).',
      );
    }
    if (difference(root)) {
      say('npm ci');
      await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        ...settings,
        what: 'installing npm packages',
      });
    }
    for (const { name } of uncompiled(root)) {
      say(`compiling ${name}`);
      const folder = path.join(root, 'node_modules', name);
      const compiler = createRequire(path.join(folder, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
      await run(process.execPath, [compiler, 'rebuild', '--jobs', String(jobs(env)), ...headers(env)], {
        ...settings,
        cwd: folder,
        what: `compiling ${name}`,
      });
    }
  },
};

/**
 * Node's own headers, where it was installed with them, so that compiling needs no download.
 * @param {NodeJS.ProcessEnv} env
 */
function headers(env) {
  const prefix = path.dirname(path.dirname(process.execPath));
  const there = existsSync(path.join(prefix, 'include', 'node', 'node.h'));
  return there && !env['npm_config_nodedir'] ? [`--nodedir=${prefix}`] : [];
}
