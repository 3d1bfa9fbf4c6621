// Calls of the service, one by one and on and on.
import { setTimeout as delay } from 'node:timers/promises';

const LONGEST_MS = 60_000;

/** @typedef {{ status: number, body: any }} Answer status 0: there was none */

export class Caller {
  /**
   * @param {string} base
   * @param {string} [key]
   */
  constructor(base, key) {
    this.base = base;
    this.key = key;
  }

  /** @param {string} key */
  with(key) {
    return new Caller(this.base, key);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {FormData | object} [body] JSON, but for a form
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Answer>}
   */
  async call(method, path, body, headers = {}) {
    const form = body instanceof FormData;
    const answer = await fetch(this.base + path, {
      method,
      headers: {
        ...(this.key === undefined ? {} : { authorization: `Bearer ${this.key}` }),
        ...(body === undefined || form ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(LONGEST_MS),
    }).catch(() => undefined);
    // An answer that is cut off is none.
    const text = await answer?.text().catch(() => undefined);
    if (!answer || text === undefined) return { status: 0, body: undefined };
    return { status: answer.status, body: jsonOf(text) };
  }

  /** @param {string} path */
  get(path) {
    return this.call('GET', path);
  }

  /**
   * @param {string} path
   * @param {FormData | object} [body]
   */
  post(path, body) {
    return this.call('POST', path, body);
  }
}

/** @param {string} text */
function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {Uint8Array[]} recordings */
export function formOf(...recordings) {
  const form = new FormData();
  recordings.forEach((recording, index) => form.append('audio', new Blob([new Uint8Array(recording)]), `${index}.wav`));
  return form;
}

/** A call and a pause, again and again until `stop`. */
export class Repeated {
  #stopped = false;
  /** @type {Answer[]} */
  answers = [];
  /** @type {Promise<void>} */
  #running;

  /** @param {(turn: number) => Promise<Answer>} call */
  constructor(call) {
    this.#running = this.#go(call);
  }

  /** @param {(turn: number) => Promise<Answer>} call */
  async #go(call) {
    for (let turn = 0; !this.#stopped; turn++) {
      this.answers.push(await call(turn));
      await delay(50);
    }
  }

  get count() {
    return this.answers.length;
  }

  /** Those of another status, as texts. @param {number} expected */
  not(expected) {
    const others = this.answers.filter(({ status }) => status !== expected);
    return others.map(({ status, body }) => `${status} ${JSON.stringify(body?.code ?? body)}`);
  }

  async stop() {
    this.#stopped = true;
    await this.#running;
  }
}
