// Carries out the steps of the Dockerfile, and starts the service as the image would.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../../setup/entry.mjs';
import { readDockerfile } from '../dockerfile.mjs';
import { check } from './checks.mjs';
import { mount, run } from './commands.mjs';
import { Root, upperOf, WORK } from './root.mjs';

/** @typedef {{ stage: import('../dockerfile.mjs').Stage, root: Root }} Image */

/**
 * What services are started from.
 * @typedef {object} BuiltImage
 * @property {import('../dockerfile.mjs').Stage} stage
 * @property {string} layer what the steps have written
 * @property {{ from: string, at: string }[]} binds folders of this machine that it has in the place of copies
 */

/** In every Debian image that has Node.js. */
const BASE = ['libc6', 'libgcc-s1', 'libstdc++6', 'zlib1g'];

/** Its steps, one after the other. @returns {Image} */
export function buildImage() {
  /** @type {Map<string, Root>} */
  const built = new Map();
  const roots = stages().map((stage) => build(stage, built));
  const root = roots.at(-1);
  if (!root) throw new Error('the Dockerfile has no stage');
  return { stage: lastStage(), root };
}

/**
 * The last stage with this clone in the place of what is built, and without packages: this machine has them.
 * @returns {Image}
 */
export function imageOfCheckout() {
  const stage = lastStage();
  const steps = stage.steps.filter(({ kind, words }) => kind === 'RUN' && !words.startsWith('apt-get'));
  return { stage, root: build({ ...stage, steps }, new Map()) };
}

/**
 * What one of the two above has left, once its root is unmounted.
 * @param {boolean} ofCheckout
 * @returns {BuiltImage}
 */
export function builtImage(ofCheckout) {
  const stage = lastStage();
  return { stage, layer: upperOf(nameOf(stage)), binds: ofCheckout ? [{ from: ROOT, at: stage.workdir }] : [] };
}

function lastStage() {
  const stage = stages().at(-1);
  if (!stage) throw new Error('the Dockerfile has no stage');
  return stage;
}

function stages() {
  return readDockerfile(readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8'));
}

/** @param {import('../dockerfile.mjs').Stage} stage */
function nameOf({ name }) {
  return name || 'final';
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
 * @param {import('../dockerfile.mjs').Stage} stage
 * @param {Map<string, Root>} built
 */
function build(stage, built) {
  const root = new Root(nameOf(stage));
  if (spawnSync('chroot', [root.at, 'id', 'node']).status !== 0)
    run(['chroot', root.at, 'useradd', '--uid', '1999', 'node']);
  mkdirSync(root.path(stage.workdir), { recursive: true });
  for (const { kind, words } of stage.steps) {
    process.stdout.write(`[${nameOf(stage)}] ${kind} ${words}\n`);
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
 * @param {import('../dockerfile.mjs').Stage} stage
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

/** @param {Image} image */
export async function tryOut({ root, stage: { ...stage } }) {
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
  check('a key is made', typeof key === 'string', made.stderr);
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
