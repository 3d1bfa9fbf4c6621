// Reads a compose file: only the words that stand in those beside this file, anything else is an error.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string} image
 * @property {boolean} built from the Dockerfile, and not fetched
 * @property {string | undefined} user
 * @property {string[]} command empty: the image's
 * @property {Record<string, string>} environment
 * @property {{ name: string, file: string }[]} secrets files in /run/secrets
 * @property {Mount[]} mounts
 * @property {{ at: string, options: string[] }[]} tmpfs
 * @property {{ published: string, inside: number }[]} ports
 * @property {string[]} networks
 * @property {Record<string, string>} dependsOn conditions, by service
 * @property {boolean} readOnly
 * @property {{ drop: string[], add: string[] }} capabilities
 * @property {string[]} securityOptions
 * @property {{ memory: string, processors: number, processes: number }} limits
 * @property {string} restart
 * @property {number} stopSeconds
 * @property {Health | undefined} health undefined: the image's
 */

/** @typedef {{ test: string[], intervalSeconds: number, timeoutSeconds: number, startSeconds: number }} Health */

/** @typedef {{ volume?: string, file?: string, at: string, readOnly: boolean }} Mount */

/** @typedef {Record<string, any>} Words */

const KNOWN = {
  file: ['name', 'services', 'networks', 'volumes', 'secrets'],
  service: [
    ...['build', 'image', 'user', 'command', 'environment', 'secrets', 'volumes', 'tmpfs', 'ports', 'networks'],
    ...['depends_on', 'read_only', 'cap_drop', 'cap_add', 'security_opt', 'mem_limit', 'cpus', 'pids_limit'],
    ...['shm_size', 'stop_grace_period', 'restart', 'healthcheck', 'logging'],
  ],
  healthcheck: ['test', 'interval', 'timeout', 'start_period'],
};

/**
 * @param {Words} words
 * @param {string[]} known
 * @param {string} where
 */
function requireKnown(words, known, where) {
  const unknown = Object.keys(words).filter((word) => !known.includes(word) && !word.startsWith('x-'));
  if (unknown.length > 0) throw new Error(`${where} has what is not known here: ${unknown.join(', ')}`);
}

/**
 * `${NAME:-default}` as the environment has it.
 * @param {string} text
 * @param {NodeJS.ProcessEnv} env
 */
function interpolated(text, env) {
  const replaced = text.replace(/\$\{(\w+):-([^}]*)\}/g, (_, name, otherwise) => env[name] || otherwise);
  if (replaced.includes('$')) throw new Error(`what is not known here: ${text}`);
  return replaced;
}

/** @param {string | undefined} text such as 40s */
function secondsOf(text) {
  if (text === undefined) return 0;
  const [, digits] = /^(\d+)s$/.exec(text) ?? [];
  if (digits === undefined) throw new Error(`a time is given in seconds, as 40s, and not as ${text}`);
  return Number(digits);
}

/** @param {Words | undefined} words */
function healthOf(words) {
  if (!words) return undefined;
  requireKnown(words, KNOWN.healthcheck, 'a health check');
  const [kind, ...test] = words['test'];
  if (kind !== 'CMD') throw new Error('a health check is a program with its words: [CMD, ...]');
  return {
    test: test.map(String),
    intervalSeconds: secondsOf(words['interval']),
    timeoutSeconds: secondsOf(words['timeout']),
    startSeconds: secondsOf(words['start_period']),
  };
}

/**
 * @param {string} text `volume:/inside`, `./file:/inside:ro`
 * @param {string} folder
 * @param {string[]} volumes
 * @returns {Mount}
 */
function mountOf(text, folder, volumes) {
  const [source = '', at = '', mode = 'rw'] = text.split(':');
  const readOnly = mode === 'ro';
  if (source.startsWith('./')) return { file: path.join(folder, source), at, readOnly };
  if (!volumes.includes(source)) throw new Error(`there is no volume ${source}`);
  return { volume: source, at, readOnly };
}

/**
 * @param {string} name
 * @param {Words} words
 * @param {{ folder: string, secrets: Record<string, { file: string }>, volumes: string[], env: NodeJS.ProcessEnv }} of
 * @returns {Service}
 */
function serviceOf(name, words, { folder, secrets, volumes, env }) {
  requireKnown(words, KNOWN.service, `the service ${name}`);
  const conditions = Array.isArray(words['depends_on'])
    ? Object.fromEntries(words['depends_on'].map((other) => [other, { condition: 'service_started' }]))
    : (words['depends_on'] ?? {});
  return {
    name,
    image: interpolated(words['image'], env),
    built: words['build'] !== undefined,
    user: words['user'],
    command: (words['command'] ?? []).map(String),
    environment: Object.fromEntries(
      Object.entries(words['environment'] ?? {}).map(([variable, value]) => [variable, interpolated(value, env)]),
    ),
    secrets: (words['secrets'] ?? []).map((/** @type {string} */ secret) => {
      const file = secrets[secret]?.file;
      if (file === undefined) throw new Error(`there is no secret ${secret}`);
      return { name: secret, file: path.join(folder, file) };
    }),
    mounts: (words['volumes'] ?? []).map((/** @type {string} */ mount) => mountOf(mount, folder, volumes)),
    tmpfs: (words['tmpfs'] ?? []).map((/** @type {string} */ mount) => {
      const [at = '', options = ''] = mount.split(':');
      return { at, options: options.split(',') };
    }),
    ports: (words['ports'] ?? []).map((/** @type {string} */ port) => {
      const [, published = '', inside = ''] = /^(.+):(\d+)$/.exec(port) ?? [];
      return { published, inside: Number(inside) };
    }),
    networks: words['networks'] ?? [],
    dependsOn: Object.fromEntries(Object.entries(conditions).map(([other, { condition }]) => [other, condition])),
    readOnly: words['read_only'] ?? false,
    capabilities: { drop: words['cap_drop'] ?? [], add: words['cap_add'] ?? [] },
    securityOptions: words['security_opt'] ?? [],
    limits: { memory: words['mem_limit'], processors: words['cpus'], processes: words['pids_limit'] },
    restart: words['restart'],
    stopSeconds: secondsOf(words['stop_grace_period']),
    health: healthOf(words['healthcheck']),
  };
}

/**
 * The services of a compose file, each after those that it waits for. `env`: for its variables.
 * @param {string} file
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Service[]}
 */
export function readCompose(file, env = {}) {
  const words = parse(readFileSync(file, 'utf8'), { merge: true });
  requireKnown(words, KNOWN.file, path.basename(file));
  const of = {
    folder: path.dirname(file),
    secrets: words.secrets ?? {},
    volumes: Object.keys(words.volumes ?? {}),
    env,
  };
  const all = Object.entries(/** @type {Record<string, Words>} */ (words.services));
  return inOrder(all.map(([name, service]) => serviceOf(name, service, of)));
}

/** @param {Service[]} services */
function inOrder(services) {
  /** @type {Service[]} */
  const sorted = [];
  while (sorted.length < services.length) {
    const next = services.find(
      (one) =>
        !sorted.includes(one) && Object.keys(one.dependsOn).every((name) => sorted.some((done) => done.name === name)),
    );
    if (!next) throw new Error('services wait for each other, or for one that is not there');
    sorted.push(next);
  }
  return sorted;
}
