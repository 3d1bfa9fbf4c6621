// Compilers and libraries from the system's package manager.
import { ask, run, which } from '../commands.mjs';
import { Failure } from '../failure.mjs';

/**
 * `probe` finds a package's content where there is no dpkg: a program, or a pkg-config module.
 * @typedef {object} SystemPackage
 * @property {string} name Debian's
 * @property {'build' | 'use' | 'tests' | 'bench' | 'fuzz'} needed for what; 'use' packages can be done without
 * @property {{ program: string } | { module: string }} [probe]
 */

/** @type {SystemPackage[]} */
export const SYSTEM_PACKAGES = [
  { name: 'g++', needed: 'build', probe: { program: 'g++' } },
  { name: 'make', needed: 'build', probe: { program: 'make' } },
  { name: 'cmake', needed: 'build', probe: { program: 'cmake' } },
  { name: 'pkg-config', needed: 'build', probe: { program: 'pkg-config' } },
  { name: 'python3-venv', needed: 'build', probe: { program: 'python3' } },
  { name: 'libsndfile1-dev', needed: 'build', probe: { module: 'sndfile' } },
  { name: 'libmpg123-dev', needed: 'build', probe: { module: 'libmpg123' } },
  { name: 'libflac-dev', needed: 'build', probe: { module: 'flac' } },
  { name: 'libogg-dev', needed: 'build', probe: { module: 'ogg' } },
  { name: 'libopus-dev', needed: 'build', probe: { module: 'opus' } },
  { name: 'libvorbis-dev', needed: 'build', probe: { module: 'vorbis' } },
  { name: 'libsoxr-dev', needed: 'build', probe: { module: 'soxr' } },
  { name: 'libkissfft-dev', needed: 'build', probe: { module: 'kissfft-float' } },
  { name: 'libeigen3-dev', needed: 'build', probe: { module: 'eigen3' } },
  { name: 'zlib1g-dev', needed: 'build', probe: { module: 'zlib' } },
  { name: 'libhwy-dev', needed: 'build', probe: { module: 'libhwy' } },
  { name: 'libseccomp-dev', needed: 'build', probe: { module: 'libseccomp' } },
  { name: 'nlohmann-json3-dev', needed: 'build', probe: { module: 'nlohmann_json' } },
  { name: 'libxxhash-dev', needed: 'build', probe: { module: 'libxxhash' } },
  { name: 'ffmpeg', needed: 'use', probe: { program: 'ffmpeg' } },
  { name: 'espeak-ng', needed: 'use', probe: { program: 'espeak-ng' } },
  { name: 'libgtest-dev', needed: 'tests', probe: { module: 'gtest' } },
  { name: 'libgmock-dev', needed: 'tests', probe: { module: 'gmock' } },
  { name: 'ninja-build', needed: 'tests', probe: { program: 'ninja' } },
  // The core is compiled for the addon, for its tests and for the image: once is enough.
  { name: 'ccache', needed: 'tests', probe: { program: 'ccache' } },
  // Proxies in front of the service, and a certificate for them.
  { name: 'nginx-light', needed: 'tests', probe: { program: 'nginx' } },
  { name: 'caddy', needed: 'tests', probe: { program: 'caddy' } },
  { name: 'openssl', needed: 'tests', probe: { program: 'openssl' } },
  // Databases that tests make and start by themselves, and a pooler in front of one.
  { name: 'postgresql', needed: 'tests' },
  { name: 'pgbouncer', needed: 'tests' },
  // Networks of the rehearsed stack, and the health check of its proxy.
  { name: 'iproute2', needed: 'tests', probe: { program: 'ip' } },
  { name: 'wget', needed: 'tests', probe: { program: 'wget' } },
  // The page is tested in a browser.
  { name: 'chromium', needed: 'tests', probe: { program: 'chromium' } },
  { name: 'libbenchmark-dev', needed: 'bench', probe: { module: 'benchmark' } },
  { name: 'clang', needed: 'fuzz', probe: { program: 'clang++' } },
  // libFuzzer, and the runtimes of clang's sanitizers.
  { name: 'libclang-rt-14-dev', needed: 'fuzz' },
  { name: 'llvm', needed: 'fuzz', probe: { program: 'llvm-symbolizer' } },
];

/** What one does without when a 'use' package is missing. */
const WITHOUT = {
  ffmpeg: 'webm, m4a, amr and other formats that only ffmpeg reads are refused',
  'espeak-ng': 'there are no sample recordings',
};

/** @param {import('../context.mjs').Context} context */
function wanted({ options }) {
  return SYSTEM_PACKAGES.filter(
    ({ needed }) =>
      needed === 'build' || needed === 'use' || (needed in options && options[/** @type {'tests'} */ (needed)]),
  );
}

/**
 * @param {import('../context.mjs').Context} context
 * @returns {SystemPackage[]} those not there
 */
function missing(context) {
  const packages = wanted(context);
  if (which('dpkg-query', context.env)) {
    const format = '${Package} ${db:Status-Status}\n';
    const { stdout } = ask('dpkg-query', ['-W', '-f', format, ...packages.map(({ name }) => name)], context);
    const installed = new Set(
      stdout
        .split('\n')
        .filter((line) => line.endsWith(' installed'))
        .map((line) => line.split(' ')[0]),
    );
    return packages.filter(({ name }) => !installed.has(name));
  }
  return packages.filter(({ probe }) => {
    if (!probe) return false;
    if ('program' in probe) return !which(probe.program, context.env);
    return !ask('pkg-config', ['--exists', probe.module], context).ok;
  });
}

/**
 * How packages can be installed here without asking anybody.
 * @param {import('../context.mjs').Context} context
 * @returns {string[] | undefined} the words before "install"
 */
function installer({ env }) {
  if (!which('apt-get', env)) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  return which('sudo', env) && ask('sudo', ['-n', 'true'], { env }).ok ? ['sudo', '-n', 'apt-get'] : undefined;
}

/** @type {import('../context.mjs').Step} */
export const system = {
  name: 'system',
  needs: [],

  inspect(context) {
    const absent = missing(context);
    // Tests use all of it.
    const required = absent.filter(({ needed }) => needed !== 'use' || context.options.tests);
    if (required.length > 0 || (absent.length > 0 && installer(context))) {
      return { ready: false, says: `missing packages: ${absent.map(({ name }) => name).join(' ')}` };
    }
    const there = `${wanted(context).length - absent.length} packages`;
    const notes = absent.map(({ name }) => `without ${name} ${WITHOUT[/** @type {'ffmpeg'} */ (name)]}`);
    return { ready: true, says: [there, ...notes].join('; ') };
  },

  async run(context) {
    const names = missing(context).map(({ name }) => name);
    const { env, root } = context;
    const command = installer(context);
    if (!command) {
      throw new Failure(
        `packages are missing that only the administrator can install: ${names.join(' ')}`,
        which('apt-get', env)
          ? `Run this, then the same command again:\n  sudo apt-get install -y ${names.join(' ')}`
          : "Install them with this system's package manager (the names are Debian's; other distributions add or drop\n" +
              '"lib" and "-dev" or "-devel"), then run the same command again.',
      );
    }
    const [program = '', ...words] = command;
    const options = {
      cwd: root,
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      log: context.log('system'),
      verbose: context.options.verbose,
      what: 'installing system packages',
      remedy: `Run this by hand to see why:\n  ${command.join(' ')} install ${names.join(' ')}`,
    };
    const install = [...words, 'install', '-y', '--no-install-recommends', ...names];
    context.say(`apt-get install ${names.join(' ')}`);
    // Old package lists name versions that mirrors no longer have; new machines have no lists at all.
    if (!ask(program, [...words, 'install', '-y', '--simulate', ...names], { env }).ok) {
      await run(program, [...words, 'update'], options);
    }
    try {
      await run(program, install, options);
    } catch {
      await run(program, [...words, 'update'], options);
      await run(program, install, options);
    }
  },
};
