// The versions of Node.js that the package names, beside the one at hand: their binaries come from npm, and each runs
// test/smoke on what the version at hand has built.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { askBeside } from '../setup/commands.mjs';
import { Failure } from '../setup/failure.mjs';
import { readJUnit } from './reports.mjs';

/**
 * The oldest version that is supported, and one of every line since, with the digests of npm's packages of binaries.
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
const VERSIONS = {
  '20.19.0': {
    x64: 'sha512-HzVYgEgabV/n3nP2F9mcxS0Nxgg99jynX9CMovakLmSYTuTdQRbbtw0yadY8+qKcqXfiDAtb2hmtR7nDPzclGA==',
    arm64: 'sha512-kT7jX7frbsrMrXMsBaFt3Th1SWs5VjxTzd0U8vxcmdCFkaqeu5hFK0+QoYfIo5drmr3DmwJfLtO2gnD/7hNE/Q==',
  },
  '22.23.3': {
    x64: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
    arm64: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  },
  '24.21.0': {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  '26.12.1': {
    x64: 'sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
    arm64: 'sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==',
  },
};

/** One that has not ended by then is ended, and has failed. */
const LONGEST_MS = 5 * 60_000;

/**
 * Runs the smoke tests with each version. One whose binary cannot be had is left out, with the reason.
 * @param {string} root
 * @returns {Promise<import('./suites.mjs').Outcome>}
 */
export async function runNodeVersions(root) {
  /** @type {import('./suites.mjs').Outcome} */
  const all = { passed: 0, failed: 0, skipped: 0, skips: [] };
  for (const version of Object.keys(VERSIONS)) {
    const name = `Node.js ${version}`;
    const node = await fetchNode(root, version);
    if ('reason' in node) {
      all.skipped++;
      all.skips.push({ name, reason: `${NOT_TO_BE_HAD}: ${node.reason}` });
      continue;
    }
    const { passed, failed, failures } = await smoke(root, node.program, version);
    process.stderr.write(`  ${name}: ${passed} passed, ${failed} failed\n`);
    for (const { name: test, message } of failures) {
      process.stderr.write(`  FAILED ${name} ${test}\n${message.replace(/^/gm, '    | ')}\n`);
    }
    all.passed += passed;
    all.failed += failed;
  }
  return all;
}

/** How the reason begins why a version was left out. */
export const NOT_TO_BE_HAD = 'its binary cannot be had';

/**
 * @param {string} root
 * @param {string} program
 * @param {string} version
 */
async function smoke(root, program, version) {
  const report = path.join(root, '.cache', 'test', `node-${version}.xml`);
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const tests = readdirSync(path.join(root, 'test', 'smoke')).filter((name) => name.endsWith('.test.mjs'));
  const words = [
    '--test',
    `--test-timeout=${LONGEST_MS}`,
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    ...tests.map((name) => path.join(root, 'test', 'smoke', name)),
  ];
  const ran = await askBeside(program, words, { cwd: root, env: process.env });
  if (!existsSync(report)) {
    throw new Failure(`Node.js ${version} wrote no report of its tests`, `${ran.stdout}${ran.stderr}`.trim());
  }
  const counts = readJUnit(readFileSync(report, 'utf8'));
  if (counts.passed + counts.failed === 0 || (!ran.ok && counts.failed === 0)) {
    throw new Failure(`the tests of Node.js ${version} did not run`, `${ran.stdout}${ran.stderr}`.trim());
  }
  return counts;
}

/**
 * The program of a version, fetched once and compared with its digest.
 * @param {string} root
 * @param {string} version
 * @returns {Promise<{ program: string } | { reason: string }>}
 * @throws {Failure} where what came is not what was pinned
 */
async function fetchNode(root, version) {
  const folder = path.join(root, '.cache', 'node', `${version}-${process.arch}`);
  const program = path.join(folder, 'package', 'bin', 'node');
  if (existsSync(program)) return { program };
  const digest = VERSIONS[version]?.[process.arch];
  if (digest === undefined) return { reason: `none is pinned for ${process.arch}` };
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const name = `node-linux-${process.arch}@${version}`;
  const packed = await askBeside('npm', ['pack', name, '--pack-destination', part], { cwd: part, env: process.env });
  const file = readdirSync(part).find((each) => each.endsWith('.tgz'));
  if (!packed.ok || file === undefined) {
    const why = /npm error (?!code|A complete log)(.+)/.exec(packed.stderr)?.[1] ?? 'npm pack failed';
    return { reason: `npm pack ${name}: ${why}` };
  }
  const archive = path.join(part, file);
  const got = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (got !== digest) {
    throw new Failure(
      `${name} is not what was pinned`,
      `Its digest is ${got}; scripts/test/node-versions.mjs has ${digest}.`,
    );
  }
  const unpacked = await askBeside('tar', ['-xzf', archive, '-C', part], { env: process.env });
  if (!unpacked.ok) throw new Failure(`${name} cannot be unpacked`, unpacked.stderr.trim());
  rmSync(archive);
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return { program };
}
