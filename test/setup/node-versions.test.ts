import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'timbre-node-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the suite on a project, whose npm reaches nothing. */
async function runSuite(): Promise<{ counts: unknown; said: string }> {
  const suites = JSON.stringify(path.join(ROOT, 'scripts', 'test', 'suites.mjs'));
  const script = `
    const { runSuites, SUITES } = await import(${suites});
    const own = SUITES.filter(({ name }) => name === 'node-versions');
    console.log(JSON.stringify(await runSuites(${JSON.stringify(folder)}, own, {})));`;
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: path.join(folder, 'npm'),
    npm_config_fetch_retries: '0',
  };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env });
  let out = '';
  let said = '';
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => (said += String(text)));
  await once(child, 'close');
  return { counts: JSON.parse(out), said };
}

test('a version of Node.js whose binary cannot be had is left out, and the summary says so', async () => {
  const { counts, said } = await runSuite();
  expect(counts).toEqual({ passed: 0, failed: 0, skipped: 4 });
  expect(said).toMatch(
    /left out for want of a download:\n( {2}node-versions Node\.js [\d.]+: its binary cannot be had: .+\n){4}/,
  );
});

test('what runs on each version counts, and what fails on one is a failure', async () => {
  // This version stands for the oldest one.
  for (const version of ['20.19.0', '22.23.3', '24.21.0', '26.12.1']) {
    const bin = path.join(folder, '.cache', 'node', `${version}-${process.arch}`, 'package', 'bin');
    mkdirSync(bin, { recursive: true });
    const env = `FAILS=${version.startsWith('24') ? 'yes' : ''}`;
    writeFileSync(path.join(bin, 'node'), `#!/bin/sh\n${env} exec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  }
  mkdirSync(path.join(folder, 'test', 'smoke'), { recursive: true });
  writeFileSync(
    path.join(folder, 'test', 'smoke', 'a.test.mjs'),
    `import assert from 'node:assert';
     import { test } from 'node:test';
     test('works', () => assert.equal(process.env.FAILS, ''));
     test('works too', () => undefined);`,
  );
  const { counts, said } = await runSuite();
  expect(counts).toEqual({ passed: 7, failed: 1, skipped: 0 });
  expect(said).toMatch(/FAILED Node\.js 24\.21\.0 works\n/);
});
