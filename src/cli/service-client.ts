import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import { keyIn, LOCAL_KEY_FILE } from '../support/key-file.js';
import type { Cli } from './cli.js';
import { nameOf, readRecording, type Given } from './recordings.js';
import { dataDirOption, startLocally } from './local-service.js';
import { readEvents, type ServiceEvent } from './service-events.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '3000';

/** Attempts at a request that a busy or starting service turns away, the first included. */
const ATTEMPTS = 6;
const LONGEST_WAIT_SECONDS = 30;

/** Attempts at a stream of events without one more event, and the pause before each: about a minute for a restart. */
const FOLLOW_ATTEMPTS = 30;
const FOLLOW_PAUSE_SECONDS = 2;

/** What a service that is stopping, starting or busy says, or a connection that broke off. */
const AWAY: ReadonlySet<string> = new Set([
  'SERVICE_UNREACHABLE',
  'ENGINE_CLOSED',
  'OVERLOADED',
  'STORAGE_UNAVAILABLE',
]);

export interface ServiceOptions {
  url?: string;
  keyFile?: string;
  dataDir?: string;
}

/** The options of every command that asks a service. */
export function addServiceOptions(command: Command): Command {
  return command.addOption(urlOption()).addOption(keyFileOption()).addOption(dataDirOption());
}

/** `--url`, of the commands that ask a running service. */
function urlOption(): Option {
  return new Option(
    '--url <url>',
    `the service (default: http:// and EMBEDDING_SERVICE_HOST or ${DEFAULT_HOST}, PORT or ${DEFAULT_PORT})`,
  )
    .env('TIMBRE_URL')
    .argParser((text: string) => {
      if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
        throw new InvalidArgumentError('an address such as http://127.0.0.1:3000 belongs here.');
      }
      return text;
    });
}

/** `--key-file`, of the same; TIMBRE_API_KEY holds the key itself. A key is no argument: arguments are not secret. */
function keyFileOption(): Option {
  return new Option('--key-file <file>', KEY_FILE_MEANS).env('TIMBRE_API_KEY_FILE');
}

const KEY_FILE_MEANS = `file of the API key (default: the key in TIMBRE_API_KEY; on this machine ${LOCAL_KEY_FILE} in the data folder)`;

/** What a request carries: JSON, or a form with recordings. */
export interface Content {
  json?: unknown;
  /** All as the form's field `audio`. */
  audio?: readonly Given[];
  fields?: Readonly<Record<string, string>>;
}

/** A service as the command line sees it. Errors of every call: the service's own, SERVICE_UNREACHABLE. */
export class ServiceClient {
  private base: string;
  private readonly dataDir: string | undefined;
  /** Settles when the service of this process is ready. */
  private local: Promise<void> | undefined;
  private readonly keyFile: string | undefined;
  private key: string | undefined;

  constructor(
    private readonly cli: Cli,
    { url, keyFile, dataDir }: ServiceOptions,
  ) {
    const { EMBEDDING_SERVICE_HOST: host, PORT: port } = cli.env;
    this.base = (url ?? `http://${host || DEFAULT_HOST}:${port || DEFAULT_PORT}`).replace(/\/+$/, '');
    this.dataDir = dataDir;
    this.keyFile = keyFile;
    // A service of this process, for this command alone, grants a key of its own and knows none of another.
    this.key =
      keyFile === undefined && dataDir === undefined ? cli.env['TIMBRE_API_KEY']?.trim() || undefined : undefined;
  }

  /** Of the service, `http://127.0.0.1:3000`. */
  get address(): string {
    return this.base;
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path);
  }

  post<T>(path: string, content: Content): Promise<T> {
    return this.request<T>('POST', path, content);
  }

  put<T>(path: string, content: Content): Promise<T> {
    return this.request<T>('PUT', path, content);
  }

  patch<T>(path: string, content: Content): Promise<T> {
    return this.request<T>('PATCH', path, content);
  }

  /** Undefined where the answer has no body. */
  delete<T = undefined>(path: string): Promise<T> {
    return this.request<T>('DELETE', path);
  }

  /**
   * Follows server-sent events until `event: end`. Where the connection breaks off, it is made anew and goes on after
   * the last event; a service that stays away for a minute ends it.
   */
  async *events(path: string): AsyncGenerator<ServiceEvent> {
    let last = '';
    for (let attempt = 1; ; attempt++) {
      let before = last;
      try {
        const response = await this.send('GET', path, last === '' ? {} : { headers: { 'last-event-id': last } });
        if (!response.ok) throw errorOf(this.parse(await response.text()), response);
        // 204: the end was seen already.
        if (response.status === 204 || !response.body) return;
        for await (const event of readEvents(response.body)) {
          if (event.id !== '') last = event.id;
          if (last !== before) [attempt, before] = [1, last];
          yield event;
          if (event.event === 'end') return;
        }
      } catch (thrown) {
        const error = thrown instanceof TimbreError ? thrown : this.unreachable(thrown);
        if (!AWAY.has(error.code) || attempt >= FOLLOW_ATTEMPTS) throw error;
      }
      if (attempt >= FOLLOW_ATTEMPTS) throw this.unreachable(new Error('the stream of events ends again and again'));
      await this.pause(FOLLOW_PAUSE_SECONDS);
    }
  }

  /** Waits and tries again where the service says that it is busy or still loading. */
  private async request<T>(method: string, path: string, content: Content = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once<T>(method, path, content);
      } catch (error) {
        const again =
          error instanceof TimbreError && ['OVERLOADED', 'RATE_LIMITED', 'MODEL_NOT_READY'].includes(error.code);
        if (!again || error.retryAfterSeconds === undefined || attempt === ATTEMPTS) throw error;
        const seconds = Math.min(LONGEST_WAIT_SECONDS, error.retryAfterSeconds);
        this.cli.note(`${error.message}; trying again in ${seconds} s`);
        await this.pause(seconds);
      }
    }
  }

  private async once<T>(method: string, path: string, content: Content): Promise<T> {
    const response = await this.send(method, path, await bodyOf(content));
    const text = await response.text().catch((cause: unknown) => {
      throw this.unreachable(cause);
    });
    if (response.ok) return (text === '' ? undefined : this.parse(text)) as T;
    throw errorOf(this.parse(text), response);
  }

  private async send(method: string, path: string, init: RequestInit): Promise<Response> {
    if (this.dataDir !== undefined) await (this.local ??= this.startLocally(this.dataDir));
    const headers = new Headers(init.headers);
    const key = await this.loadKey();
    if (key) headers.set('authorization', `Bearer ${key}`);
    try {
      return await fetch(this.base + path, { method, signal: this.cli.signal, ...init, headers });
    } catch (cause) {
      throw this.unreachable(cause);
    }
  }

  private async startLocally(dataDir: string): Promise<void> {
    const { url, key } = await startLocally(this.cli, dataDir);
    [this.base, this.key] = [url, key];
  }

  private unreachable(cause: unknown): TimbreError {
    if (this.cli.signal.aborted) return new TimbreError('ABORTED', 'cancelled', { cause });
    return new TimbreError(
      'SERVICE_UNREACHABLE',
      `no service answers at ${this.base} (${reasonOf(cause)}); start one with \`timbre serve\`, or name it by --url`,
      { cause },
    );
  }

  private async pause(seconds: number): Promise<void> {
    await delay(seconds * 1000, undefined, { signal: this.cli.signal }).catch((cause: unknown) => {
      throw new TimbreError('ABORTED', 'cancelled', { cause });
    });
  }

  /**
   * The key that was named, or else the local key of a service on this machine; its file is read once.
   * Errors: INVALID_ARGUMENT.
   */
  private async loadKey(): Promise<string | undefined> {
    if (this.key === undefined) {
      const text = this.keyFile === undefined ? await this.localKey() : await this.namedKey(this.keyFile);
      this.key = keyIn(text);
    }
    if (this.key && !/^[\x21-\x7e]+$/.test(this.key)) {
      throw new TimbreError('INVALID_ARGUMENT', 'the API key is not one line of plain text');
    }
    return this.key;
  }

  private namedKey(file: string): Promise<string> {
    return readFile(file, 'utf8').catch((cause: unknown) => {
      throw new TimbreError('INVALID_ARGUMENT', `cannot read the key file: ${(cause as Error).message}`, { cause });
    });
  }

  /** Goes to this machine alone: it opens everything. None where there is no such file, or another user's. */
  private async localKey(): Promise<string> {
    const { hostname } = new URL(this.base);
    if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return '';
    return readFile(join(this.cli.env['TIMBRE_DATA_DIR'] || 'data', LOCAL_KEY_FILE), 'utf8').catch(() => '');
  }

  private parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new TimbreError('SERVICE_UNREACHABLE', `what answers at ${this.base} is no Timbre service`, { cause });
    }
  }
}

/** The path of one speaker, whatever the id. */
export function speakerPath(id: string, ...more: string[]): string {
  return ['/v1/speakers', encodeURIComponent(id), ...more].join('/');
}

async function bodyOf({
  json,
  audio,
  fields = {},
}: Content): Promise<{ body?: string | FormData; headers?: Record<string, string> }> {
  if (json !== undefined) return { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  if (!audio) return {};
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const given of audio) form.append('audio', new Blob([await readRecording(given)]), nameOf(given));
  return { body: form };
}

function errorOf(body: unknown, response: Response): TimbreError {
  const { code, message, details } = (body ?? {}) as { code?: unknown; message?: unknown; details?: unknown };
  const wait = Number(response.headers.get('retry-after') ?? NaN);
  return new TimbreError(
    isErrorCode(code) ? code : 'SERVICE_UNREACHABLE',
    typeof message === 'string' ? message : `the service answered with status ${response.status}`,
    { details, ...(Number.isFinite(wait) ? { retryAfterSeconds: wait } : {}) },
  );
}

/** fetch() says `fetch failed` because of `connect ECONNREFUSED ...`. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
