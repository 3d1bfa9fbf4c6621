#!/usr/bin/env node
// Carries the Dockerfile's steps out without a container engine, and looks at what comes of them. Ends with a line
// "N passed, N failed".
//
// Every stage is an overlay over this machine's own file system, in a mount namespace of its own, changed into with
// chroot: nothing here is touched, and nothing is left behind. What that cannot show: that the base image has what this
// machine has. So the libraries that are loaded are compared with the packages that the Dockerfile installs.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { which } from '../setup/commands.mjs';
import { enter, ROOT } from '../setup/entry.mjs';
import { readDockerfile } from './dockerfile.mjs';

const HELP = `Usage: node scripts/container/rehearse.mjs

Carries the steps of scripts/container/Dockerfile out where there is no container engine, starts the service as the image
would (not as root, its root read-only, one writable volume) and checks that it becomes healthy, makes a key, enrols,
refuses to write elsewhere and stops cleanly. Needs Linux, root and overlayfs; without them it says so and passes nothing.
`;

const WORK = '/tmp/timbre-rehearsal';
const INSIDE = 'TIMBRE_REHEARSAL';
/** In every Debian image that has Node.js. */
const BASE = ['libc6', 'libgcc-s1', 'libstdc++6', 'zlib1g'];

/** Where what other builds have compiled is kept, if it is: nothing comes of it but time. */
const COMPILED = which('ccache', process.env)
  ? { CCACHE_DIR: execFileSync('ccache', ['--get-config', 'cache_dir'], { encoding: 'utf8' }).trim() }
  : {};

/** @type {{ name: string, passed: boolean }[]} */
const results = [];

/**
 * @param {string} name
 * @param {boolean} passed
 */
function check(name, passed) {
  results.push({ name, passed });
  process.stdout.write(`${passed ? 'passed' : 'FAILED'}: ${name}\n`);
}

/** An overlay over this machine's file system, changed into with chroot. */
class Root {
  /** @param {string} name */
  constructor(name) {
    this.at = path.join(WORK, name, 'root');
    const [upper, work] = ['upper', 'work'].map((part) => path.join(WORK, name, part));
    for (const folder of [this.at, upper, work]) mkdirSync(String(folder), { recursive: true });
    mount('-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, this.at);
    mount('--rbind', '/dev', path.join(this.at, 'dev'));
    mount('-t', 'proc', 'proc', path.join(this.at, 'proc'));
    mount('-t', 'tmpfs', 'tmpfs', path.join(this.at, 'tmp'));
  }

  /** @param {string} inside */
  path(inside) {
    return path.join(this.at, inside);
  }

  /**
   * What to spawn for a command in here.
   * @param {import('./dockerfile.mjs').Stage} stage
   * @param {string[]} command
   */
  command({ env, workdir, user }, command) {
    // The build needs this machine's proxies and indexes; the service gets nothing that the image would not give it.
    const clean = user === 'root' ? [] : ['-i'];
    const variables = Object.entries({
      HOME: '/tmp',
      ...(user === 'root' ? COMPILED : { PATH: '/usr/local/bin:/usr/bin:/bin' }),
      ...env,
    }).map(([name, value]) => `${name}=${value}`);
    const become =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--no-new-privs'];
    return ['chroot', this.at, ...become, 'env', ...clean, '-C', workdir, ...variables, ...command];
  }
}

/** @param {string[]} words */
function mount(...words) {
  execFileSync('mount', words, { stdio: 'inherit' });
}

/** @param {string[]} words */
function run([program = '', ...words]) {
  const { status } = spawnSync(program, words, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${status}`);
}

/**
 * The files that `docker build` would send: those of git, without what .dockerignore names.
 * @param {string} to
 */
function copyContext(to) {
  const ignored = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files) {
    if (file === '' || !existsSync(path.join(ROOT, file))) continue;
    if (ignored.some((name) => file === name || file.startsWith(`${name}/`))) continue;
    mkdirSync(path.dirname(path.join(to, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(to, file));
  }
}

/**
 * @param {import('./dockerfile.mjs').Stage} stage
 * @param {Map<string, Root>} built
 */
function build(stage, built) {
  const root = new Root(stage.name || 'final');
  if (spawnSync('chroot', [root.at, 'id', 'node']).status !== 0)
    run(['chroot', root.at, 'useradd', '--uid', '1999', 'node']);
  mkdirSync(root.path(stage.workdir), { recursive: true });
  for (const { kind, words } of stage.steps) {
    process.stdout.write(`[${stage.name || 'final'}] ${kind} ${words}\n`);
    if (kind === 'RUN') run(root.command({ ...stage, user: 'root' }, ['sh', '-c', words]));
    else if (words === '. .') copyContext(root.path(stage.workdir));
    else {
      const [, from = '', source = '', to = ''] = /^--from=(\S+) (\S+) (\S+)$/.exec(words) ?? [];
      const other = built.get(from);
      if (!other) throw new Error(`the rehearsal does not know: COPY ${words}`);
      cpSync(other.path(source), root.path(to), { recursive: true, verbatimSymlinks: true });
    }
  }
  built.set(stage.name, root);
  return root;
}

/** A port that nobody listens on. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? String(address?.port) : ''));
    });
  });
}

/**
 * Packages whose libraries the addons load, and that neither the base image nor the Dockerfile brings.
 * @param {Root} root
 * @param {import('./dockerfile.mjs').Stage} stage
 */
function missingPackages(root, stage) {
  const addons = execFileSync('find', [root.path(stage.workdir), '-name', '*.node', '-path', '*elease*'], {
    encoding: 'utf8',
  });
  const needed = new Set();
  for (const addon of addons.trim().split('\n')) {
    const inside = path.join('/', path.relative(root.at, addon));
    const listing = execFileSync('chroot', [root.at, 'ldd', inside], { encoding: 'utf8' });
    for (const [, library] of listing.matchAll(/=> (\/\S+)/g)) {
      if (library?.startsWith(stage.workdir)) continue;
      const real = execFileSync('chroot', [root.at, 'readlink', '-f', String(library)], { encoding: 'utf8' }).trim();
      // Debian 12 lists some libraries without the /usr that /lib leads to.
      const owner = [real, real.replace(/^\/usr/, '')]
        .map((file) => spawnSync('dpkg-query', ['-S', file], { encoding: 'utf8' }))
        .find(({ status }) => status === 0);
      if (!owner) throw new Error(`no package owns ${real}`);
      needed.add(owner.stdout.split(':')[0]);
    }
  }
  const install =
    stage.steps.map(({ words }) => /--no-install-recommends ([^&]+)/.exec(words)?.[1]).find(Boolean) ?? '';
  const options = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
    (kind) => `--no-${kind}`,
  );
  const names = [...BASE, ...install.trim().split(/\s+/)];
  const closure = execFileSync('apt-cache', ['depends', '--recurse', ...options, ...names], { encoding: 'utf8' });
  const there = new Set(
    closure.split('\n').map((line) =>
      line
        .trim()
        .replace(/^.*Depends: /, '')
        .replace(/[<>]/g, ''),
    ),
  );
  return [...needed].filter((name) => !there.has(name));
}

/**
 * @param {Root} root
 * @param {import('./dockerfile.mjs').Stage} stage
 */
async function tryOut(root, { ...stage }) {
  stage.env = { ...stage.env, PORT: await freePort() };
  check('the Dockerfile installs what the addons load', missingPackages(root, stage).length === 0);
  mount('-o', 'remount,ro', root.at);
  for (const volume of stage.volumes) {
    const folder = path.join(WORK, 'volume');
    mkdirSync(folder);
    mount('--bind', folder, root.path(volume));
    run(['chroot', root.at, 'chown', 'node:node', volume]);
    run(['chroot', root.at, 'chmod', '0700', volume]);
  }
  const ask = (/** @type {string[]} */ ...words) => {
    const [program = '', ...rest] = root.command(stage, words);
    return spawnSync(program, rest, { encoding: 'utf8' });
  };
  const cli = (/** @type {string[]} */ ...words) => ask(...stage.command.slice(0, -1), ...words);

  const made = cli('keys', 'create', '--name', 'rehearsal', '--scope', 'admin', '--json');
  const key = made.status === 0 ? JSON.parse(made.stdout).key : undefined;
  check('a key is made', typeof key === 'string');
  if (made.status !== 0) process.stdout.write(made.stderr);
  check('nothing can be written outside the volume', ask('touch', `${stage.workdir}/written`).status !== 0);

  const [program = '', ...words] = root.command(stage, stage.command);
  const service = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => service.once('exit', (code, signal) => resolve(signal ?? code)));
  let alive = true;
  void ended.then(() => (alive = false));
  process.once('exit', () => service.kill('SIGKILL'));
  while (alive && ask(...stage.health).status !== 0) await delay(500);
  check('it becomes healthy', alive);
  if (alive) {
    const request = async (/** @type {string} */ to, /** @type {RequestInit} */ init = {}, credentials = key) => {
      const headers = { ...init.headers, ...(credentials ? { authorization: `Bearer ${credentials}` } : {}) };
      return (await fetch(`http://127.0.0.1:${stage.env.PORT}${to}`, { ...init, headers })).status;
    };
    const json = (/** @type {string} */ method, /** @type {object} */ value) => ({
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    const ada = json('POST', { id: 'ada' });
    const local = ask('cat', '/var/lib/timbre/local.key');
    check('it has made a local key', /^Authorization: Bearer tmb_/.test(local.stdout));
    check('without the key it answers 401', (await request('/v1/speakers', ada, '')) === 401);
    check('with the key it makes a speaker', (await request('/v1/speakers', ada)) === 201);
    const consent = json('PUT', { givenBy: 'ada', method: 'rehearsal', textVersion: '1' });
    check('notes her consent', (await request('/v1/speakers/ada/consent', consent)) < 300);
    const sample = execFileSync('espeak-ng', ['--stdout', 'The voice of somebody who is not there, at some length.']);
    const body = new FormData();
    body.append('audio', new Blob([sample]), 'ada.wav');
    check('and enrols a recording', (await request('/v1/speakers/ada/enrollments', { method: 'POST', body })) === 201);
    // Everything between chroot and Node.js has given its process to the next.
    service.kill('SIGTERM');
    // The signal that ends it once all is done ends no first process of a container: there it is the status 0.
    check('SIGTERM ends it, and nothing else', (await ended) === 'SIGTERM');
  }
}

await enter({
  what: 'rehearsal',
  help: HELP,
  options: {},
  async main() {
    const can =
      process.platform === 'linux' &&
      process.getuid?.() === 0 &&
      /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'));
    if (!can) {
      process.stdout.write('skipped: the rehearsal needs Linux, root and overlayfs\n0 passed, 0 failed\n');
      return 0;
    }
    if (!process.env[INSIDE]) {
      const again = ['--mount', '--propagation', 'private', process.execPath, ...process.argv.slice(1)];
      return spawnSync('unshare', again, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } }).status ?? 1;
    }
    mkdirSync(WORK, { recursive: true });
    mount('-t', 'tmpfs', '-o', 'size=6g', 'tmpfs', WORK);
    const stages = readDockerfile(readFileSync(new URL('Dockerfile', import.meta.url), 'utf8'));
    /** @type {Map<string, Root>} */
    const built = new Map();
    try {
      for (const stage of stages) build(stage, built);
      const [last] = stages.slice(-1);
      const root = built.get(last?.name ?? '');
      if (!last || !root) throw new Error('the Dockerfile has no stage');
      await tryOut(root, last);
    } catch (error) {
      check(error instanceof Error ? error.message : String(error), false);
    }
    const failed = results.filter(({ passed }) => !passed).length;
    process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  },
});
