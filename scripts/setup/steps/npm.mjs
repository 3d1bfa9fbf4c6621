// npm packages, exactly as package-lock.json has them, without running their install scripts.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run, which } from '../commands.mjs';
import { Failure } from '../failure.mjs';

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

/** @type {import('../context.mjs').Step} */
export const npm = {
  name: 'npm',
  needs: ['system'],

  inspect({ root }) {
    const differs = difference(root);
    if (differs) return { ready: false, says: differs };
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
    say('npm ci');
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      ...settings,
      what: 'installing npm packages',
    });
  },
};
