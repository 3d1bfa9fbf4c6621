// The native programs of bench/native, built with the project's own LibTorch.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { jobs, run, which } from '../../scripts/setup/commands.mjs';
import { externalLibTorch, sitePackages } from '../../scripts/setup/steps/python.mjs';
import { ROOT } from './machine.mjs';

const FOLDER = 'build-bench';

/**
 * @param {string[]} targets
 * @returns {Promise<string>} the folder they lie in
 */
export async function buildPrograms(targets) {
  const { env } = process;
  const settings = { cwd: ROOT, env, log: join(ROOT, '.cache', 'bench', 'build.log') };
  const torch = externalLibTorch(env) ?? join(sitePackages(ROOT) ?? '', 'torch');
  const fresh = !existsSync(join(ROOT, FOLDER, 'CMakeCache.txt'));
  const generator = fresh && which('ninja', env) ? ['-G', 'Ninja'] : [];
  const launcher = which('ccache', env) ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
  const definitions = [`-DLIBTORCH=${torch}`, '-DTIMBRE_BUILD_BENCH=ON'];
  process.stderr.write('building\n');
  await run('cmake', ['-S', '.', '-B', FOLDER, ...generator, ...launcher, ...definitions], {
    ...settings,
    what: 'configuring the benchmarks',
    remedy: 'Run `npm run setup -- --bench` first.',
  });
  await run('cmake', ['--build', FOLDER, '--parallel', String(jobs(env)), '--target', ...targets], {
    ...settings,
    what: 'building the benchmarks',
  });
  return join(ROOT, FOLDER, 'bench', 'native');
}
