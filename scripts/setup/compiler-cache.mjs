// Where ccache is installed, what one build has compiled is not compiled again by the next, also below another path.
import { which } from './commands.mjs';

/**
 * The environment of a build, with ccache set up for sources below the project's folder.
 * @param {string} root of the project
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv | undefined} undefined without ccache
 */
function withCache(root, env) {
  return which('ccache', env) ? { CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: 'true', ...env } : undefined;
}

/**
 * What every build of the native sources is configured and run with.
 * @param {string} root of the project
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ definitions: string[], env: NodeJS.ProcessEnv }} `NAME=value` for CMake, and the environment
 */
export function nativeBuild(root, env) {
  const werror = `TIMBRE_WERROR=${env['TIMBRE_WERROR'] === '1' ? 'ON' : 'OFF'}`;
  const cached = withCache(root, env);
  if (!cached) return { definitions: [werror], env };
  const launchers = ['C', 'CXX'].map((language) => `CMAKE_${language}_COMPILER_LAUNCHER=ccache`);
  return { definitions: [werror, ...launchers], env: cached };
}

/**
 * The environment of a build by make, which asks it for the compilers.
 * @param {string} root of the project
 * @param {NodeJS.ProcessEnv} env
 */
export function makeBuild(root, env) {
  const cached = withCache(root, env);
  if (!cached) return env;
  return { ...cached, CC: `ccache ${env['CC'] ?? 'cc'}`, CXX: `ccache ${env['CXX'] ?? 'c++'}` };
}
