// The set-up: its steps, each looked at first and run only where it is not ready.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeContext } from './context.mjs';
import { explain, Failure } from './failure.mjs';
import { thisPlatform } from './platform.mjs';
import { addon } from './steps/addon.mjs';
import { npm } from './steps/npm.mjs';
import { postgres } from './steps/postgres.mjs';
import { python } from './steps/python.mjs';
import { samples } from './steps/samples.mjs';
import { sources } from './steps/sources.mjs';
import { sqlite } from './steps/sqlite.mjs';
import { system } from './steps/system.mjs';
import { typescript } from './steps/typescript.mjs';

const IN_A_CLONE = [system, python, postgres, sources, npm, sqlite, addon, typescript, samples];
/** npm has installed what the package needs, and its TypeScript comes compiled. */
const IN_A_PACKAGE = [system, python, sources, sqlite, addon];

/** @param {string} root */
const stepsOf = (root) => (existsSync(path.join(root, 'src')) ? IN_A_CLONE : IN_A_PACKAGE);

/** Free space below which a step that installs or compiles is not begun, bytes. */
const LEAST_DISK = 1.5e9;

/** @param {string} line */
const tell = (line) => process.stderr.write(`${line}\n`);

/**
 * Makes the project ready to run.
 * @param {string} root folder of the project
 * @param {Partial<import('./context.mjs').SetupOptions>} [options]
 * @returns {Promise<boolean>} whether it is ready; always true unless `options.check`
 * @throws {Failure}
 */
export async function setup(root, options = {}) {
  const all = { check: false, verbose: false, tests: false, lint: false, bench: false, fuzz: false, ...options };
  const context = makeContext(root, all, process.env);
  const started = performance.now();
  const { architecture, glibc, node } = thisPlatform();
  tell('set-up');
  report('platform', `Linux ${architecture}, glibc ${glibc ?? ''}, Node.js ${node}`);
  if (all.check) return check(context);

  await makeReady(context, stepsOf(context.root));
  tell(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return true;
}

/**
 * Makes steps ready, each as soon as those are that it needs: while packages are fetched, others are compiled. Where one fails,
 * those that run go on to their end, and no other is begun.
 * @param {import('./context.mjs').Context} context
 * @param {import('./context.mjs').Step[]} steps none before one that it needs
 */
async function makeReady(context, steps) {
  /** @type {Promise<() => void> | undefined} */
  let lock;
  /** @type {unknown} */
  let failure;

  /** @param {import('./context.mjs').Step} step */
  async function make(step) {
    let found = step.inspect(context);
    if (!found.ready) {
      await (lock ??= takeLock(context));
      // Another set-up may have made it ready meanwhile.
      found = step.inspect(context);
    }
    report(step.name, found.says);
    if (found.ready || failure !== undefined) return;
    requireDisk(context.root);
    await step.run({ ...context, say: (text) => report(step.name, `> ${text}`) });
    const after = step.inspect(context);
    if (!after.ready) {
      throw new Failure(
        `the step "${step.name}" ended, and still: ${after.says}`,
        'Where files changed meanwhile, run the same command again. Otherwise `npm run setup -- --verbose` shows why.',
      );
    }
    report(step.name, after.says);
  }

  /** @type {Map<string, Promise<void>>} */
  const ends = new Map();
  for (const step of steps) {
    const before = Promise.all(step.needs.map((name) => ends.get(name)));
    const end = before.then(async () => {
      if (failure !== undefined) return;
      try {
        await make(step);
      } catch (error) {
        if (failure === undefined) failure = error;
        else report(step.name, `failed, too: ${explain(error).message}`);
      }
    });
    ends.set(step.name, end);
  }
  await Promise.all(ends.values());
  (await lock)?.();
  if (failure !== undefined) throw failure;
}

/** @param {import('./context.mjs').Context} context */
function check(context) {
  let complete = true;
  for (const step of stepsOf(context.root)) {
    const { ready, says } = step.inspect(context);
    complete &&= ready;
    report(step.name, ready ? says : `NOT READY: ${says}`);
  }
  const command = existsSync(path.join(context.root, 'src')) ? 'npm run setup' : 'npx timbre setup';
  tell(complete ? 'everything is ready\n' : `not everything is ready; \`${command}\` makes it so\n`);
  return complete;
}

/**
 * @param {string} name
 * @param {string} text
 */
function report(name, text) {
  tell(`  ${name.padEnd(11)}${text}`);
}

/** @param {string} root */
function requireDisk(root) {
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < LEAST_DISK) {
    throw new Failure(
      `the disk is full: ${((bavail * bsize) / 1e9).toFixed(1)} GB are left`,
      'Free some space (a complete set-up takes about 2 GB), then run the same command again.',
    );
  }
}

/**
 * Waits until no other set-up works on the same folder.
 * @param {import('./context.mjs').Context} context
 * @returns {Promise<() => void>} gives the lock back
 */
async function takeLock({ root }) {
  const file = path.join(root, '.cache', 'setup', 'lock');
  mkdirSync(path.dirname(file), { recursive: true });
  for (let told = false; ;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const owner = ownerOf(file);
    if (owner === undefined || !isAlive(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) report('', `> waiting for another set-up (process ${owner})`);
    told = true;
    await sleep(500);
  }
}

/**
 * @param {string} file a lock
 * @returns {number | undefined} process id; undefined when the lock has gone, or was never finished
 */
function ownerOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid > 0) return pid;
    return Date.now() - statSync(file).mtimeMs < 5000 ? process.pid : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
