// Collects what the service needs at run time from a clone that is set up:
//
//   node scripts/container/gather.mjs OUT
//
// Paths below the root stay the same, so that the addon finds LibTorch where it was linked to it.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { ROOT } from '../setup/entry.mjs';

const ADDON = 'build/Release/timbre.node';
/** Started by the addon, from beside it. */
const DECODER = 'build/Release/timbre-decoder';
const WHOLE = [
  'package.json',
  'package-lock.json',
  'LICENSE',
  'THIRD_PARTY_LICENSES.md',
  'dist',
  'docs/openapi.json',
  'models/skeletons',
  ...readdirSync(path.join(ROOT, 'models'))
    .filter((name) => name.startsWith('starter.'))
    .map((name) => `models/${name}`),
  'node_modules',
  'scripts/container/healthy.mjs',
];

/** Libraries of the addon that lie in the clone: LibTorch in the virtual environment. */
function ownLibraries() {
  const listing = execFileSync('ldd', [path.join(ROOT, ADDON)], { encoding: 'utf8' });
  const paths = [...listing.matchAll(/=> (\/\S+)/g)].map(([, found]) => String(found));
  return paths.filter((found) => found.startsWith(ROOT)).map((found) => path.relative(ROOT, found));
}

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('where to? gather.mjs OUT');
for (const name of [...WHOLE, ADDON, DECODER, ...ownLibraries()]) {
  const to = path.join(out, name);
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(path.join(ROOT, name), to, { recursive: true, verbatimSymlinks: true });
}
// The service's framework is an optional peer of the package, and a part of the image.
const file = path.join(out, 'package.json');
const { devDependencies, peerDependencies, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
const framework = Object.keys(peerDependencies).map((name) => [name, devDependencies[name]]);
const dependencies = { ...rest.dependencies, ...Object.fromEntries(framework) };
writeFileSync(file, `${JSON.stringify({ ...rest, dependencies }, null, 2)}\n`);
execFileSync('npm', ['prune', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
  cwd: out,
  stdio: 'inherit',
});
