// A PostgreSQL of one's own in a temporary folder, on a free port of this machine: made, started and removed here.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where Debian has the programs of each version. */
const DEBIAN = '/usr/lib/postgresql';

/** PostgreSQL 18 with pgvector, which the set-up of the tests puts there. */
export const PGVECTOR_BIN = fileURLToPath(new URL('../../.cache/postgres-18/bin', import.meta.url));

/**
 * `usual`: what tests run on that say nothing of a version; `debian`: the newest that is installed, which has no pgvector;
 * `pgvector`: PostgreSQL 18 with it.
 * @typedef {'usual' | 'debian' | 'pgvector'} Edition
 */

/**
 * @param {Edition} edition
 * @returns {string} folder of the programs; of the usual: TIMBRE_TEST_POSTGRES_BIN, or those of Debian
 */
function programs(edition) {
  const given = process.env['TIMBRE_TEST_POSTGRES_BIN'];
  if (edition === 'usual' && given) return reachable(given);
  if (edition === 'pgvector') return reachable(PGVECTOR_BIN);
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map((version) => path.join(DEBIAN, version, 'bin'))
    .find((bin) => existsSync(path.join(bin, 'initdb')));
  if (!found) throw new Error('there is no PostgreSQL: `npm test` installs the package postgresql');
  return found;
}

/** @type {Map<string, string>} */
const copies = new Map();

/**
 * The same folder where another user may enter it, and a copy of it and what lies beside it where he may not.
 * @param {string} bin
 */
function reachable(bin) {
  if (!existsSync(path.join(bin, 'initdb')))
    throw new Error(`there is no PostgreSQL in ${bin}: \`npm test\` puts one there`);
  if (process.getuid?.() !== 0 || mayEnter(bin)) return bin;
  const known = copies.get(bin);
  if (known) return known;
  const folder = mkdtempSync(path.join(tmpdir(), 'timbre-postgres-programs-'));
  chmodSync(folder, 0o755);
  cpSync(path.dirname(bin), folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const copy = path.join(folder, path.basename(bin));
  copies.set(bin, copy);
  return copy;
}

/** @param {string} folder @returns {boolean} */
function mayEnter(folder) {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  return folder === path.dirname(folder) || mayEnter(path.dirname(folder));
}

/** Words before a program: root may not run PostgreSQL, its own user may. */
function asOrdinary() {
  return process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
}

/** Of a server, where its user may make what it likes. */
function newFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'timbre-postgres-'));
  chmodSync(folder, 0o777);
  return folder;
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

export class Cluster {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /**
   * @param {string} folder
   * @param {number} port
   * @param {string} password
   * @param {string} bin folder of its programs
   */
  constructor(folder, port, password, bin) {
    this.bin = bin;
    this.folder = folder;
    this.port = port;
    this.password = password;
  }

  /**
   * `password`: of its one user, who needs none otherwise; `settings`: of the server.
   * @param {{ password?: string, settings?: Record<string, string>, edition?: Edition }} [options]
   */
  static async start({ password = '', settings = {}, edition = 'usual' } = {}) {
    const bin = programs(edition);
    const folder = newFolder();
    const [first, ...rest] = [...asOrdinary(), path.join(bin, 'initdb')];
    const file = path.join(folder, 'password');
    writeFileSync(file, `${password}\n`);
    const auth = password === '' ? ['--auth', 'trust'] : ['--auth', 'scram-sha-256', '--pwfile', file];
    const locale = ['--locale', 'C', '--encoding', 'UTF8'];
    const words = [...rest, '-D', path.join(folder, 'data'), '-U', 'timbre', '--no-sync', ...auth, ...locale];
    execFileSync(/** @type {string} */ (first), words, { stdio: 'pipe', cwd: folder });
    const cluster = new Cluster(folder, await freePort(), password, bin);
    await cluster.run(settings);
    return cluster;
  }

  /**
   * Starts the server where it does not run; resolves when it takes connections.
   * @param {Record<string, string>} [settings]
   */
  async run(settings = {}) {
    const [first, ...rest] = [...asOrdinary(), path.join(this.bin, 'postgres')];
    // Nothing here outlives the machine: what is committed need not reach the disk.
    const all = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      max_connections: '200',
      ...settings,
    };
    const words = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(
      /** @type {string} */ (first),
      [...rest, '-D', path.join(this.folder, 'data'), '-p', String(this.port), ...words],
      { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } },
    );
    this.#process = child;
    await new Promise((resolve, reject) => {
      /** @type {string[]} */
      const said = [];
      child.once('exit', () => reject(new Error(`PostgreSQL ended: ${said.join('\n')}`)));
      createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stderr) }).on('line', (line) => {
        if (said.length < 50) said.push(line);
        if (/database system is ready to accept (read-only )?connections/.test(line)) resolve(undefined);
      });
    });
  }

  /** A server of its own that follows this one, until it is promoted. */
  async standby() {
    const folder = newFolder();
    const [first, ...rest] = [...asOrdinary(), path.join(this.bin, 'pg_basebackup')];
    const words = [
      '-d',
      this.url(),
      '-D',
      path.join(folder, 'data'),
      '--write-recovery-conf',
      '--no-sync',
      '-c',
      'fast',
    ];
    execFileSync(/** @type {string} */ (first), [...rest, ...words], { stdio: 'pipe', cwd: folder });
    const standby = new Cluster(folder, await freePort(), this.password, this.bin);
    await standby.run();
    return standby;
  }

  /** What was a standby takes writes from now on. */
  promote() {
    this.ask('SELECT pg_promote()');
  }

  /** @param {string} statement @returns {string} what it gives */
  ask(statement) {
    return this.tool('psql', ['--no-psqlrc', '-d', this.url(), '-v', 'ON_ERROR_STOP=1', '-Atc', statement]).trim();
  }

  /** Ends it at once, as a crash does, unless told otherwise. @param {'SIGKILL' | 'SIGQUIT' | 'SIGINT'} [signal] */
  async stop(signal = 'SIGQUIT') {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** @param {{ database?: string, user?: string, password?: string, port?: number }} [as] */
  url({ database = 'postgres', user = 'timbre', password = this.password, port = this.port } = {}) {
    const secret = password === '' ? '' : `:${encodeURIComponent(password)}`;
    return `postgres://${user}${secret}@127.0.0.1:${port}/${database}`;
  }

  /**
   * Runs a program of PostgreSQL's, such as pg_dump, and gives what it prints.
   * @param {string} program
   * @param {string[]} words
   * @param {string} [input]
   */
  tool(program, words, input = '') {
    const env = { ...process.env, PGPASSWORD: this.password };
    return execFileSync(path.join(this.bin, program), words, {
      input,
      env,
      stdio: 'pipe',
      maxBuffer: 2 ** 28,
    }).toString();
  }

  /**
   * A pooler in front of it that gives connections to others between transactions; resolves with its port and the way to end it.
   * @param {Record<string, string>} [settings]
   * @param {string} [query] that it begins connections of its own with
   */
  async pooler(settings = {}, query = '') {
    const port = await freePort();
    const all = {
      listen_addr: '127.0.0.1',
      listen_port: String(port),
      auth_type: 'any',
      pool_mode: 'transaction',
      unix_socket_dir: '',
      logfile: '',
      ...settings,
    };
    const secret = this.password === '' ? '' : ` password='${this.password.replaceAll("'", "''")}'`;
    const target = `* = host=127.0.0.1 port=${this.port} user=timbre${secret}${query && ` connect_query='${query}'`}`;
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    const file = path.join(this.folder, `pooler-${port}.ini`);
    writeFileSync(file, `[databases]\n${target}\n[pgbouncer]\n${lines.join('\n')}\n`);
    const [first, ...rest] = [...asOrdinary(), 'pgbouncer'];
    const child = spawn(/** @type {string} */ (first), [...rest, file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    });
    const exited = once(child, 'exit');
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      /** @type {string[]} */
      const said = [];
      child.once('exit', () => reject(new Error(`the pooler ended: ${said.join('\n')}`)));
      createInterface({ input: child.stderr }).on('line', (line) => {
        said.push(line);
        if (line.includes('process up')) resolve(undefined);
      });
    });
    const stop = async () => {
      child.kill('SIGINT');
      await exited;
    };
    return { port, stop };
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
