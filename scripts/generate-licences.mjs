// Writes the list of npm packages that are installed with Timbre, or that its service needs beside it, into THIRD_PARTY_LICENSES.md, from package-lock.json.
// `--check` writes nothing and fails when the list is out of date, or when a package's licence is none that Timbre may use.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup/entry.mjs';

const MARKER = '<!-- npm packages: generated from package-lock.json by scripts/generate-licences.mjs -->';

/** Licences without conditions on programs that use a package unchanged. */
const WELCOME =
  /^(MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|Unlicense|Python-2\.0|MPL-2\.0|Zlib)$/;

const file = path.join(ROOT, 'THIRD_PARTY_LICENSES.md');

/**
 * @typedef {{ license?: string, dev?: boolean, devOptional?: boolean, link?: boolean, dependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string> }} Locked
 * @type {{ packages: Record<string, Locked> }}
 */
const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));

/**
 * What the peer dependencies of the package bring: a development has them, and so has every service.
 * @returns {Set<string>} locations
 */
function framework() {
  const found = new Set(Object.keys(lock.packages['']?.peerDependencies ?? {}).map((name) => `node_modules/${name}`));
  for (const location of found) {
    for (const name of Object.keys(lock.packages[location]?.dependencies ?? {})) {
      for (let from = location; ; from = from.slice(0, from.lastIndexOf('/node_modules/'))) {
        const at = `${from}/node_modules/${name}`;
        if (at in lock.packages) found.add(at);
        if (at in lock.packages || !from.includes('/node_modules/')) {
          if (!(at in lock.packages)) found.add(`node_modules/${name}`);
          break;
        }
      }
    }
  }
  return found;
}

const ofTheService = framework();

/** @type {Map<string, Set<string>>} names by licence */
const byLicence = new Map();
const unwelcome = [];
for (const [location, { license = 'not stated', dev, devOptional, link }] of Object.entries(lock.packages)) {
  if (location === '' || link || ((dev || devOptional) && !ofTheService.has(location))) continue;
  const name = location.replace(/^.*node_modules\//, '');
  const choices = license.replace(/^\(|\)$/g, '').split(' OR ');
  if (!choices.some((choice) => choice.split(' AND ').every((each) => WELCOME.test(each))))
    unwelcome.push(`${name} (${license})`);
  byLicence.set(license, (byLicence.get(license) ?? new Set()).add(name));
}

const rows = [...byLicence]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([licence, names]) => `| ${licence} | ${[...names].sort().join(', ')} |\n`);
const current = readFileSync(file, 'utf8');
const [handwritten = ''] = current.split(MARKER);
const wanted = `${handwritten}${MARKER}\n\n## npm packages installed with Timbre or its service\n\n| licence | packages |\n| --- | --- |\n${rows.join('')}`;

if (unwelcome.length > 0) {
  console.error(
    `npm packages under licences that scripts/generate-licences.mjs does not know as usable: ${unwelcome.join(', ')}`,
  );
  process.exitCode = 1;
}
if (wanted !== current && process.argv.includes('--check')) {
  console.error('THIRD_PARTY_LICENSES.md is out of date: run node scripts/generate-licences.mjs');
  process.exitCode = 1;
} else if (wanted !== current) {
  writeFileSync(file, wanted);
}
