// TypeScript into dist/.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { run } from '../commands.mjs';
import { digest, filesBelow, readStamp, writeStamp } from '../stamps.mjs';

const STAMP = 'dist/.timbre-setup';

/** @param {string} root */
function state(root) {
  const settings = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'nest-cli.json',
    'scripts/build-console.mjs',
  ];
  return digest(root, [
    ...settings.map((name) => path.join(root, name)).filter((name) => existsSync(name)),
    ...filesBelow(path.join(root, 'src'), (name) => !name.endsWith('.spec.ts')),
  ]);
}

/** @type {import('../context.mjs').Step} */
export const typescript = {
  name: 'typescript',
  needs: ['npm'],

  inspect({ root }) {
    const stamp = readStamp(path.join(root, STAMP));
    if (stamp === undefined) return { ready: false, says: 'dist/ is not built' };
    return stamp === state(root)
      ? { ready: true, says: 'dist/' }
      : { ready: false, says: 'dist/ is older than its sources' };
  },

  async run(context) {
    const { root, env, say, options } = context;
    const before = state(root);
    say('npm run build');
    await run('npm', ['run', '--silent', 'build'], {
      cwd: root,
      env,
      log: context.log('typescript'),
      verbose: options.verbose,
      what: 'compiling TypeScript',
    });
    writeStamp(path.join(root, STAMP), before);
  },
};
