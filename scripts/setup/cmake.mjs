// Folders that CMake builds in know the path of their sources, and are of no use once the checkout was moved or copied.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

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
