// The service as a process that can be killed, and a client that remembers what it was told.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyIn, LOCAL_KEY_FILE } from '../../dist/support/key-file.js';
import { ROOT } from '../js/machine.mjs';
import { patience } from './patience.mjs';

const READY_SECONDS = 120;

/** `timbre serve` in a process of its own. */
export class Service {
  /** What it wrote to stderr last. */
  log = '';
  url = '';
  /** The local key, once it is ready. */
  key = '';

  /** @param {Record<string, string> & { TIMBRE_DATA_DIR: string }} env */
  constructor(env) {
    this.dataDir = env.TIMBRE_DATA_DIR;
    this.process = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), 'serve'], {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.ended = once(this.process, 'close');
    this.process.stderr.on('data', (chunk) => {
      this.log = (this.log + String(chunk)).slice(-20_000);
      this.url ||= /"url":"(http:[^"]+)"/.exec(this.log)?.[1] ?? '';
    });
  }

  /** Resolves when it takes requests. */
  async ready() {
    const isOver = patience(READY_SECONDS);
    for (;;) {
      if (this.process.exitCode !== null) throw new Error(`the service ended by itself:\n${this.log}`);
      if (isOver()) throw new Error(`the service did not become ready:\n${this.log}`);
      const ready = this.url && (await fetch(`${this.url}/health/ready`).catch(() => null));
      if (ready && ready.ok) {
        this.key = localKey(this.dataDir);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    this.process.kill('SIGTERM');
    const [status, signal] = await this.ended;
    // The command ends by the signal that ended it.
    if (status !== 0 && signal !== 'SIGTERM') throw new Error(`the service stopped with ${status}:\n${this.log}`);
  }

  /**
   * JSON of an answer; throws a `Refusal` for an error that the service told, anything else where it is gone.
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<any>}
   */
  async call(path, init) {
    return (await this.answer(path, init)).body;
  }

  /**
   * The same with the headers of the answer.
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<{ headers: Headers, body: any }>}
   */
  async answer(path, init) {
    const headers = { ...init?.headers, 'x-api-key': this.key };
    const response = await fetch(this.url + path, { ...init, headers });
    const text = await response.text();
    const body = text === '' ? null : JSON.parse(text);
    if (!response.ok) throw new Refusal(`${init?.method ?? 'GET'} ${path}: ${body.code}: ${body.message}`, body.code);
    return { headers: response.headers, body };
  }

  /**
   * @param {string} path
   * @param {unknown} value
   */
  postJson(path, value) {
    return this.call(path, jsonOf(value));
  }

  /**
   * @param {string} path
   * @param {readonly { name: string, bytes: Uint8Array<ArrayBuffer> }[]} recordings
   * @param {Record<string, string>} [fields]
   */
  postForm(path, recordings, fields = {}) {
    return this.call(path, formOf(recordings, fields));
  }
}

/** @param {unknown} value @returns {RequestInit} */
export function jsonOf(value) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/**
 * @param {readonly { name: string, bytes: Uint8Array<ArrayBuffer> }[]} recordings
 * @param {Record<string, string>} [fields]
 * @returns {RequestInit}
 */
export function formOf(recordings, fields = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  for (const { name, bytes } of recordings) body.append('audio', new Blob([bytes]), name);
  return { method: 'POST', body };
}

/**
 * The key that a service makes at its first start.
 * @param {string} dataDir
 */
export function localKey(dataDir) {
  return keyIn(readFileSync(join(dataDir, LOCAL_KEY_FILE), 'utf8'));
}

/** The service answered, and the answer was no. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {string} code
   */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}
