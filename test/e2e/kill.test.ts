import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const HARNESS = fileURLToPath(new URL('../../bench/reliability/kill.mjs', import.meta.url));

/** A few kills of the built service; bench/results/kill.md is the long run. */
test('kill -9 at random moments loses nothing that was acknowledged, and jobs go on', async () => {
  const argv = [HARNESS, '--kills', '4', '--seed', '7', '--out', 'none'];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { ...process.env, NODE_OPTIONS: '' } });
  expect(stdout).toContain('# 4 kills');
  // It is no test when nothing was done between the kills.
  expect(Number(/acknowledged, all there \| (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0);
}, 300_000);
