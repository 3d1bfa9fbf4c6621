// The native addon, by cmake-js.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { dropForeign, foreignRoot } from '../cmake.mjs';
import { jobs, run } from '../commands.mjs';
import { nativeBuild } from '../compiler-cache.mjs';
import { digest, filesBelow, readStamp, writeStamp } from '../stamps.mjs';
import { externalLibTorch, sitePackages, torchKind } from './python.mjs';

const ADDON = 'build/Release/timbre.node';
/** The program that decodes, which the addon starts. */
const DECODER = 'build/Release/timbre-decoder';
const STAMP = 'build/.timbre-setup';

/** @param {import('../context.mjs').Context} context */
function libTorch({ root, env }) {
  const folder = externalLibTorch(env) ?? path.join(sitePackages(root) ?? '', 'torch');
  const version = ['version.py', 'build-version']
    .map((name) => path.join(folder, name))
    .find((name) => existsSync(name));
  return { folder, version: version && readFileSync(version, 'utf8') };
}

/** @param {import('../context.mjs').Context} context */
function state(context) {
  const { root, env } = context;
  const files = [path.join(root, 'CMakeLists.txt'), ...filesBelow(path.join(root, 'native'))];
  return digest(root, files, {
    root,
    libTorch: libTorch(context),
    cuda: torchKind(env) === 'cuda',
    headers: ['node-addon-api', 'node-api-headers'].map((name) =>
      readFileSync(found(root, `${name}/package.json`) ?? '', 'utf8'),
    ),
    architecture: process.arch,
  });
}

/**
 * A file of a package that this one depends on, wherever npm has put it.
 * @param {string} root
 * @param {string} name
 * @returns {string | undefined}
 */
function found(root, name) {
  try {
    return createRequire(path.join(root, 'package.json')).resolve(name);
  } catch {
    return undefined;
  }
}

/** @type {import('../context.mjs').Step} */
export const addon = {
  name: 'addon',
  needs: ['python', 'sources', 'npm'],

  inspect(context) {
    const { root } = context;
    const gone = [ADDON, DECODER].find((file) => !existsSync(path.join(root, file)));
    if (!found(root, 'node-addon-api/package.json') || gone !== undefined) {
      return { ready: false, says: `${gone ?? ADDON} is not built` };
    }
    const made = foreignRoot(root, 'build');
    if (made !== undefined) return { ready: false, says: `build/ was made for ${made}` };
    if (readStamp(path.join(root, STAMP)) !== state(context))
      return { ready: false, says: `${ADDON} is older than its sources` };
    return { ready: true, says: ADDON };
  },

  async run(context) {
    const { root, env, say, options } = context;
    const { folder } = libTorch(context);
    const before = state(context);
    dropForeign(root, 'build');
    const count = jobs(env);
    say(`compiling the addon, ${count} ${count === 1 ? 'file' : 'files'} at once (minutes the first time)`);
    const words = ['build', '--config', 'Release', '--parallel', String(count), `--CDLIBTORCH=${folder}`];
    if (torchKind(env) === 'cuda') words.push('--CDTIMBRE_CUDA=ON');
    const native = nativeBuild(root, env);
    words.push(...native.definitions.map((definition) => `--CD${definition}`));
    const cmakeJs = path.join(path.dirname(found(root, 'cmake-js/package.json') ?? ''), 'bin', 'cmake-js');
    await run(process.execPath, [cmakeJs, ...words], {
      cwd: root,
      env: native.env,
      log: context.log('addon'),
      verbose: options.verbose,
      what: 'compiling the addon',
      remedy: 'If another compiler or LibTorch was used before, delete build/ and run the same command again.',
    });
    writeStamp(path.join(root, STAMP), before);
  },
};
