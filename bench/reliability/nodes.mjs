// Several services on one PostgreSQL, each of them a process that can be killed, and a client that asks any of them.
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from '../../test/postgres/cluster.mjs';
import { patience } from './patience.mjs';
import { Refusal, Service } from './service.mjs';

/** As a server that people's data is on: what is committed has reached the disk. */
const SERVER = { fsync: 'on', max_connections: '100' };

/** Answers of a node that starts, stops or has lost the database: nobody knows what became of the call. */
const PASSING = new Set(['STORAGE_UNAVAILABLE', 'MODEL_NOT_READY', 'ENGINE_CLOSED', 'OVERLOADED']);

/** Seconds that PostgreSQL, or a call, gets until it works again. */
const LONGEST_WAIT_SECONDS = 180;

/** What a node says that ends at its start because the database is not there. */
const WITHOUT_DATABASE = /STORAGE_UNAVAILABLE/;

/** A service in a folder of its own; its processes come and go. */
export class Node {
  /** @type {Service | undefined} */
  service;
  /** Takes calls. */
  up = false;
  /** The data keys that its process was started with, the one that it writes with first. @type {readonly string[]} */
  keys = [];
  /** Ends with what went wrong, but for the end by a kill. @type {Promise<void>} */
  running = Promise.resolve();

  /**
   * @param {number} number
   * @param {Record<string, string>} env
   * @param {string} dataDir
   */
  constructor(number, env, dataDir) {
    this.number = number;
    this.env = env;
    this.dataDir = dataDir;
  }

  /** Variables of its next process. @param {readonly string[]} keys */
  environment(keys) {
    return { ...this.env, TIMBRE_DATA_DIR: this.dataDir, TIMBRE_DATA_KEY: keys.join(',') };
  }
}

export class Nodes {
  /** The data keys that the next process is started with. @type {readonly string[]} */
  keys = [newKey()];
  /** Starts that ended by themselves because the database was not there. */
  startsWithoutDatabase = 0;
  /** Milliseconds from a start to ready. @type {number[]} */
  starts = [];
  /** Of an API key that all nodes know; the local key of the node until there is one. */
  key = '';

  /**
   * @param {Cluster} cluster
   * @param {readonly Node[]} all
   */
  constructor(cluster, all) {
    this.cluster = cluster;
    this.all = all;
  }

  /**
   * PostgreSQL and services that are not started yet.
   * @param {string} folder
   * @param {number} count
   * @param {Record<string, string>} env
   */
  static async make(folder, count, env) {
    const cluster = await Cluster.start({ settings: SERVER });
    const all = Array.from({ length: count }, (_, i) => {
      const own = join(folder, `node-${i + 1}`);
      mkdirSync(own, { mode: 0o700 });
      const more = { TIMBRE_DATABASE_URL: cluster.url(), TIMBRE_UPLOAD_DIR: join(own, 'uploads') };
      return new Node(i + 1, { ...env, ...more }, join(own, 'data'));
    });
    return new Nodes(cluster, all);
  }

  /** Those that take calls. */
  get up() {
    return this.all.filter(({ up }) => up);
  }

  /** Starts a process of a node; `running` ends when it is ready, or was killed. @param {Node} node */
  start(node) {
    node.keys = this.keys;
    node.up = false;
    const service = new Service(node.environment(node.keys));
    node.service = service;
    node.running = this.#become(node, service);
    // Whoever looks at the node next is told.
    node.running.catch(() => undefined);
  }

  /** @param {Node} node @param {Service} service */
  async #become(node, service) {
    const began = performance.now();
    try {
      await service.ready();
    } catch (error) {
      if (node.service !== service || service.process.signalCode === 'SIGKILL') return;
      // As what keeps services running does: with the database gone there is none, and it is started again.
      if (service.process.exitCode !== null && WITHOUT_DATABASE.test(service.log)) {
        this.startsWithoutDatabase++;
        await delay(200);
        if (node.service === service) this.start(node);
        return;
      }
      throw error;
    }
    this.starts.push(performance.now() - began);
    if (this.key !== '') service.key = this.key;
    if (node.service === service) node.up = true;
  }

  /** SIGKILL, and its end. @param {Node} node */
  async kill(node) {
    await failed(node);
    node.up = false;
    const { service } = node;
    node.service = undefined;
    await service?.kill();
  }

  /** SIGTERM, and its end. @param {Node} node */
  async stop(node) {
    node.up = false;
    const { service } = node;
    node.service = undefined;
    await service?.stop();
  }

  /** SIGKILL of the process that all others of PostgreSQL belong to. */
  async killDatabase() {
    await this.cluster.stop('SIGKILL');
  }

  /** What others of its processes have ends with them: until then it does not start. */
  async startDatabase() {
    const isOver = patience(LONGEST_WAIT_SECONDS);
    for (;;) {
      try {
        await this.cluster.run(SERVER);
        return;
      } catch (error) {
        if (isOver()) throw error;
        await delay(50);
      }
    }
  }

  /** Waits until all take calls. */
  async ready() {
    const isOver = patience(LONGEST_WAIT_SECONDS);
    while (this.up.length < this.all.length) {
      for (const node of this.all) await failed(node);
      if (isOver()) throw new Error('nodes do not become ready');
      await delay(20);
    }
  }

  /** Ends everything. */
  async remove() {
    for (const node of this.all) {
      const { service } = node;
      node.service = undefined;
      await service?.kill();
    }
    await this.cluster.remove();
  }

  /**
   * Asks any node, and another where that one is cut off, until there is an answer. Throws a `Refusal` for an answer that was no.
   * @template T
   * @param {() => number} next random numbers in [0, 1)
   * @param {(service: Service, node: Node) => Promise<T>} make
   * @param {(error: unknown) => void} [cut] called for each time that there was no answer
   * @returns {Promise<T>}
   */
  async ask(next, make, cut = () => undefined) {
    const isOver = patience(LONGEST_WAIT_SECONDS);
    /** @type {unknown} */
    let last;
    for (;;) {
      const node = this.up[Math.floor(next() * this.up.length)];
      try {
        if (node?.service) return await make(node.service, node);
      } catch (error) {
        if (error instanceof Refusal && !isPassing(error.code)) throw error;
        cut((last = error));
      }
      if (isOver()) throw new Error('no node answers', { cause: last });
      await delay(20);
    }
  }
}

/** A data key. */
export function newKey() {
  return Buffer.from(randomBytes(32)).toString('base64');
}

/** Whether an error says that the node starts, stops or has no database. @param {string} code */
export function isPassing(code) {
  return PASSING.has(code);
}

/** Throws what a start of the node ended with, if it has. @param {Node} node */
function failed(node) {
  return Promise.race([node.running, Promise.resolve()]);
}
