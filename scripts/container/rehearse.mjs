#!/usr/bin/env node
// Carries the steps of the Dockerfile and of compose.stack.yaml out without a container engine, and looks at what comes of them.
// Ends with a line "N passed, N failed".
//
// Every root is an overlay over this machine's own file system, in a mount namespace of its own, changed into with chroot;
// services of the stack have network namespaces, too: nothing here is touched, and nothing is left behind. What that cannot
// show: that the base image has what this machine has. So the libraries that are loaded are compared with the packages that the
// Dockerfile installs. PostgreSQL and Caddy are this machine's, and limits of memory and processors are not enforced.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { enter } from '../setup/entry.mjs';
import { adopt, all, check, sum } from './rehearsal/checks.mjs';
import { mount } from './rehearsal/commands.mjs';
import { buildImage, builtImage, imageOfCheckout, tryOut } from './rehearsal/image.mjs';
import { WORK, WORK_VARIABLE } from './rehearsal/root.mjs';
import { rehearseStack } from './rehearsal/stack.mjs';

const HELP = `Usage: node scripts/container/rehearse.mjs [--stack-of-checkout]

Carries the steps of scripts/container/Dockerfile out where there is no container engine, starts the service as the image
would (not as root, its root read-only, one writable volume) and checks that it becomes healthy, makes a key, enrols,
refuses to write elsewhere and stops cleanly. Then carries out scripts/container/compose.stack.yaml: PostgreSQL, two nodes
and the proxy, each with its root, user, rights, files and network; a node is killed, nodes are started anew one after the
other, the database goes away, and nothing may be lost. Needs Linux, root and overlayfs; without them it says so and passes
nothing.

Options:
  --stack-of-checkout  the stack alone, on this clone as it is built, without the image
  --help               this text
`;

/** What part of it runs in this process: none yet, all of it, or the stack in its network. */
const INSIDE = 'TIMBRE_REHEARSAL';
const RESULTS = path.join(WORK, 'results.json');

/**
 * This program again, in a namespace of its own; gives its exit status.
 * @param {string[]} namespace
 * @param {string} part
 * @param {Record<string, string>} [more] variables
 */
function again(namespace, part, more = {}) {
  const words = [...namespace, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, ...more, [INSIDE]: part };
  return spawnSync('unshare', words, { stdio: 'inherit', env }).status ?? 1;
}

/** @param {() => Promise<void> | void} work */
async function told(work) {
  try {
    await work();
  } catch (error) {
    check(error instanceof Error ? error.message : String(error), false);
  }
}

await enter({
  what: 'rehearsal',
  help: HELP,
  options: { 'stack-of-checkout': { type: 'boolean' } },
  async main({ 'stack-of-checkout': ofCheckout = false }) {
    const can =
      process.platform === 'linux' &&
      process.getuid?.() === 0 &&
      /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'));
    if (!can) {
      process.stdout.write('skipped: the rehearsal needs Linux, root and overlayfs\n0 passed, 0 failed\n');
      return 0;
    }
    const part = process.env[INSIDE];
    if (part === undefined) {
      const work = mkdtempSync(path.join(tmpdir(), 'timbre-rehearsal-'));
      try {
        return again(['--mount', '--propagation', 'private'], 'all', { [WORK_VARIABLE]: work });
      } finally {
        rmdirSync(work);
      }
    }
    if (part === 'stack') {
      await told(() => rehearseStack(builtImage(ofCheckout)));
      writeFileSync(RESULTS, all());
      return 0;
    }
    mount('-t', 'tmpfs', '-o', 'size=6g', 'tmpfs', WORK);
    await told(async () => {
      const image = ofCheckout ? imageOfCheckout() : buildImage();
      if (!ofCheckout) await tryOut(image);
      image.root.unmount();
      again(['--net'], 'stack');
      if (!existsSync(RESULTS)) throw new Error('the rehearsal of the stack has ended before its end');
      adopt(readFileSync(RESULTS, 'utf8'));
    });
    return sum();
  },
});
