#!/usr/bin/env node
// Writes the bill of materials of what is built here, in CycloneDX: every npm package, Python packages
// with the digests they are installed by, the sources that are compiled in, and the system's libraries that are linked.
//
//   node scripts/sbom.mjs [--out .cache/sbom.cdx.json]
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ask } from './setup/commands.mjs';
import { ROOT } from './setup/entry.mjs';
import { lockedPackages } from './setup/steps/python.mjs';
import { SOURCES } from './setup/steps/sources.mjs';
import { SYSTEM_PACKAGES } from './setup/steps/system.mjs';

const { values } = parseArgs({ options: { out: { type: 'string', default: '.cache/sbom.cdx.json' } } });

/** @typedef {{ alg: 'SHA-256', content: string }} Digest */

/**
 * @param {string} type of a package URL
 * @param {string} name
 * @param {string} version
 * @param {Digest[]} [hashes]
 */
function component(type, name, version, hashes) {
  const purl = `pkg:${type}/${name}@${encodeURIComponent(version)}`;
  return { 'bom-ref': purl, type: 'library', name, version, purl, ...(hashes?.length && { hashes }) };
}

// Nest is a peer that a host brings, and the image has it: development packages stay in, and are marked as such.
const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
/** @type {{ components: { purl: string }[], metadata: object }} */
const bill = JSON.parse(
  execFileSync('npm', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
);

const python = lockedPackages(path.join(ROOT, 'models/requirements.txt')).map(({ name, version, block }) => {
  const digests = [...block.matchAll(/--hash=sha256:([0-9a-f]{64})/g)].map(([, content = '']) => content);
  // One package has a file for each platform: which one is installed is not known here, so its digest is not either.
  const only = digests.length === 1 ? [{ alg: /** @type {const} */ ('SHA-256'), content: digests[0] ?? '' }] : [];
  return component('pypi', name, version, only);
});
const sources = SOURCES.map(({ name, version, sha256 }) =>
  component('pypi', name, version, [{ alg: 'SHA-256', content: sha256 }]),
);
const system = SYSTEM_PACKAGES.filter(({ name, needed }) => needed === 'use' || /^(lib.*|.*)-dev$/.test(name))
  .filter(({ needed }) => needed === 'build' || needed === 'use')
  .map(({ name }) => {
    const { stdout } = ask('dpkg-query', ['-W', '-f', '${Version}', name], { env: process.env });
    return component('deb/debian', name, stdout.trim() || 'not installed here');
  });

bill.components.push(...python, ...sources, ...system);
const kinds = ['npm', 'pypi', 'deb'].map((kind) => {
  const count = bill.components.filter(({ purl }) => purl.startsWith(`pkg:${kind}/`)).length;
  if (count === 0) throw new Error(`the bill of materials has no ${kind} packages`);
  return `${count} ${kind}`;
});
const out = path.resolve(ROOT, values.out);
mkdirSync(path.dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(bill, null, 2)}\n`);
process.stdout.write(`${path.relative(ROOT, out)}: ${kinds.join(', ')} packages\n`);
