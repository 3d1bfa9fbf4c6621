// A service of a compose file, started as an engine would: its root, its user, its rights, its files and its network.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './checks.mjs';
import { ask, mount, run } from './commands.mjs';
import { WORK } from './root.mjs';
import { standInOf } from './stand-ins.mjs';

/** @typedef {import('../compose.mjs').Service} Service */

/** Lines of a log that are shown where something has failed. */
const LAST_LINES = 40;

export class Container {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /**
   * @param {Service} service
   * @param {import('./image.mjs').BuiltImage} built what services are that the Dockerfile makes
   * @param {import('./network.mjs').Network} network
   */
  constructor(service, built, network) {
    this.service = service;
    this.name = service.name;
    this.log = path.join(WORK, `${service.name}.log`);
    this.address = network.addressOf(service.name);
    const own = service.built ? imageOf(built) : imageOfStandIn(service);
    this.image = own;
    this.user = service.user ?? own.user;
    this.at = path.join(WORK, 'containers', service.name, 'root');
    this.hosts = network.hostsOf(service);
    this.#mount(own);
    this.namespace = network.join(service);
    // Nothing goes on where the rehearsal itself is cut off.
    process.once('exit', () => this.#process?.kill('SIGKILL'));
  }

  /** @param {ReturnType<typeof imageOf>} image */
  #mount({ layers, binds, users }) {
    const { service } = this;
    if (!service.readOnly) throw new Error(`the rehearsal knows read-only roots alone, and not that of ${this.name}`);
    const skeleton = path.join(WORK, 'containers', this.name, 'skeleton');
    mkdirSync(this.at, { recursive: true });
    mkdirSync(path.join(skeleton, 'etc'), { recursive: true });
    writeFileSync(path.join(skeleton, 'etc/hosts'), this.hosts);
    const secrets = service.secrets.map(({ name, file }) => ({ file, at: `/run/secrets/${name}` }));
    const files = [...secrets, ...service.mounts.flatMap(({ file, at }) => (file === undefined ? [] : { file, at }))];
    const folders = [...binds, ...service.tmpfs, ...service.mounts.filter(({ volume }) => volume !== undefined)];
    // What is mounted over has to be there; where the image has it, with the image's owner.
    for (const { at } of files) {
      const place = path.join(skeleton, insideOf(at));
      mkdirSync(path.dirname(place), { recursive: true });
      writeFileSync(place, '');
    }
    for (const { at } of folders) {
      if (![...layers, '/'].some((layer) => existsSync(path.join(layer, insideOf(at))))) {
        mkdirSync(path.join(skeleton, insideOf(at)), { recursive: true });
      }
    }
    mount('-t', 'overlay', 'overlay', '-o', `lowerdir=${[skeleton, ...layers, '/'].join(':')}`, this.at);
    mount('--rbind', '/dev', path.join(this.at, 'dev'));
    mount('-t', 'proc', 'proc', path.join(this.at, 'proc'));
    for (const { from, at } of binds) mount('--bind', '-o', 'ro', from, this.#inside(at));
    for (const { at, options } of service.tmpfs) {
      const own = options.map((option) =>
        option.replace(/^([ug]id)=(\d+)$/, (_, kind, id) => `${kind}=${idOf(kind, users[id] ?? id)}`),
      );
      mount('-t', 'tmpfs', '-o', own.join(','), 'tmpfs', this.#inside(at));
    }
    for (const { volume, at } of service.mounts) if (volume !== undefined) this.#mountVolume(volume, at);
    for (const { file, at } of files) mount('--bind', '-o', 'ro', file, this.#inside(at));
  }

  /**
   * A volume is empty at first, and belongs to whom the image's folder belongs to.
   * @param {string} volume
   * @param {string} at
   */
  #mountVolume(volume, at) {
    const folder = path.join(WORK, 'volumes', volume);
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      run(['chown', '--reference', this.#inside(at), folder]);
      run(['chmod', '--reference', this.#inside(at), folder]);
    }
    mount('--bind', folder, this.#inside(at));
  }

  /** @param {string} at */
  #inside(at) {
    return path.join(this.at, insideOf(at));
  }

  /**
   * What to spawn for a command in it: as its user, with what is left of rights, and nothing of this machine's environment.
   * @param {string[]} command
   * @param {Record<string, string>} [env]
   */
  command(command, env = {}) {
    const { drop, add } = this.service.capabilities;
    if (drop.join() !== 'ALL') throw new Error(`${this.name} keeps rights that the rehearsal does not know`);
    const bounds = ['-all', ...add.map((name) => `+${name.toLowerCase()}`)].join(',');
    const become = this.user === 'root' ? [] : [`--reuid=${this.user}`, `--regid=${this.user}`, '--init-groups'];
    const rights = [`--bounding-set=${bounds}`, '--inh-caps=-all', '--no-new-privs'];
    const variables = Object.entries({ ...this.image.env, ...this.service.environment, ...env });
    return [
      ...['nsenter', `--net=${this.namespace}`, 'chroot', this.at, 'setpriv', ...become, ...rights],
      ...['env', '-i', '-C', this.image.workdir, ...variables.map(([name, value]) => `${name}=${value}`), ...command],
    ];
  }

  /** As `docker compose exec`. @param {string[]} words */
  exec(...words) {
    return ask(this.command(words));
  }

  /** As `docker compose exec` of the service's own command. @param {string[]} words */
  timbre(...words) {
    return this.exec(...this.image.entrypoint, ...words);
  }

  start() {
    const { command } = this.service;
    const words = [...this.image.entrypoint, ...(command.length > 0 ? command : this.image.command)];
    const [program = '', ...rest] = this.command(words);
    const log = openSync(this.log, 'a');
    const child = spawn(program, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
  }

  /** Errors: it has ended, or takes too long. @param {number} seconds */
  async healthy(seconds) {
    const { test = this.image.health } = this.service.health ?? {};
    await until(`${this.name} becomes healthy`, seconds, async () => {
      if (!this.runs()) throw new Error(`${this.name} has ended:\n${this.lastLines()}`);
      return (await this.exec(...test)).status === 0;
    });
  }

  runs() {
    const { exitCode, signalCode } = this.#process ?? {};
    return this.#process !== undefined && exitCode === null && signalCode === null;
  }

  /** Files are mounted anew, as they are by then, whenever an engine starts a service. */
  renewSecrets() {
    for (const { name, file } of this.service.secrets) {
      const place = this.#inside(`/run/secrets/${name}`);
      run(['umount', place]);
      mount('--bind', '-o', 'ro', file, place);
    }
  }

  /** The variables that its process was started with. */
  environment() {
    return readFileSync(`/proc/${this.#process?.pid}/environ`, 'utf8');
  }

  /** As the engine stops it; gives whether it ended by itself within its time, and how. */
  async stop() {
    const child = this.#process;
    if (!child || !this.runs()) return { inTime: false, how: 'it did not run' };
    const ended = once(child, 'exit');
    const late = new AbortController();
    child.kill(this.image.stopSignal);
    const time = delay(this.service.stopSeconds * 1000, 'late', { signal: late.signal }).catch(() => 'in time');
    const inTime = (await Promise.race([ended, time])) !== 'late';
    late.abort();
    if (!inTime) child.kill('SIGKILL');
    const [code, signal] = await ended;
    return { inTime, how: String(signal ?? code) };
  }

  /** As by a crash. @param {'SIGKILL' | 'SIGQUIT'} [signal] PostgreSQL's own way to leave everything is SIGQUIT */
  async crash(signal = 'SIGKILL') {
    const child = this.#process;
    if (!child || !this.runs()) throw new Error(`${this.name} does not run:\n${this.lastLines()}`);
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  lastLines() {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n').slice(-LAST_LINES).join('\n') : '';
  }
}

/** Without links of this machine's, as /var/run. @param {string} at */
function insideOf(at) {
  return execFileSync('readlink', ['--canonicalize-missing', at], { encoding: 'utf8' }).trim();
}

/**
 * @param {string} kind uid or gid
 * @param {string} name
 */
function idOf(kind, name) {
  return execFileSync('id', [kind === 'uid' ? '-u' : '-g', name], { encoding: 'utf8' }).trim();
}

/** @param {import('./image.mjs').BuiltImage} built */
function imageOf({ stage, layer, binds }) {
  const [command = '', ...entrypoint] = [...stage.command].reverse();
  return {
    layers: [layer],
    binds,
    env: /** @type {Record<string, string>} */ ({ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', ...stage.env }),
    workdir: stage.workdir,
    user: stage.user,
    users: /** @type {Record<string, string>} */ ({}),
    entrypoint: entrypoint.reverse(),
    command: [command],
    health: stage.health,
    stopSignal: /** @type {NodeJS.Signals} */ ('SIGTERM'),
  };
}

/**
 * @param {Service} service
 * @returns {ReturnType<typeof imageOf>}
 */
function imageOfStandIn({ name, image, health }) {
  if (!health) throw new Error(`the rehearsal does not know how ${name} is found to be healthy`);
  return { ...standInOf(image), layers: [], binds: [], workdir: '/', user: 'root', health: health.test };
}
