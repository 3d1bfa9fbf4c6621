// Folders that CMake builds in know the path of their sources, and are of no use once the checkout was moved or copied.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { which } from './commands.mjs';

/**
 * @param {string} root of the project
 * @param {string} folder of a build
 * @returns {string | undefined} the path that the folder was made for, where that is another
 */
export function foreignRoot(root, folder) {
  try {
    const cache = readFileSync(path.join(root, folder, 'CMakeCache.txt'), 'utf8');
    const made = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(cache)?.[1];
    return made === undefined || path.resolve(made) === path.resolve(root) ? undefined : made;
  } catch {
    return undefined;
  }
}

/**
 * Removes a build that was made for another path.
 * @param {string} root
 * @param {string} folder
 */
export function dropForeign(root, folder) {
  if (foreignRoot(root, folder) !== undefined) rmSync(path.join(root, folder), { recursive: true, force: true });
}

/**
 * What every build of the native sources is configured and run with: where ccache is installed, what one build has compiled
 * is not compiled again by the next, also below another path.
 * @param {string} root of the project
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ definitions: string[], env: NodeJS.ProcessEnv }} `NAME=value` for CMake, and the environment
 */
export function nativeBuild(root, env) {
  const werror = `TIMBRE_WERROR=${env['TIMBRE_WERROR'] === '1' ? 'ON' : 'OFF'}`;
  if (!which('ccache', env)) return { definitions: [werror], env };
  const launchers = ['C', 'CXX'].map((language) => `CMAKE_${language}_COMPILER_LAUNCHER=ccache`);
  return {
    definitions: [werror, ...launchers],
    env: { CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: 'true', ...env },
  };
}
