import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, Option } from 'commander';
import { isErrorCode, TimbreError } from '../common/timbre-error.js';
import type { Cli } from './cli.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '3000';

/** Attempts at a request that a busy or starting service turns away, the first included. */
const ATTEMPTS = 6;
const LONGEST_WAIT_SECONDS = 30;

export interface ServiceOptions {
  url?: string;
}

/** `--url`, of the commands that ask a running service. */
export function urlOption(): Option {
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

/** What a request carries: JSON, or a form with recordings. */
export interface Content {
  json?: unknown;
  /** Files by their paths, all as the form's field `audio`. */
  audio?: readonly string[];
  fields?: Readonly<Record<string, string>>;
}

/** A running service as the command line sees it. Errors of every call: the service's own, SERVICE_UNREACHABLE. */
export class ServiceClient {
  private readonly base: string;

  constructor(
    private readonly cli: Cli,
    { url }: ServiceOptions,
  ) {
    const { EMBEDDING_SERVICE_HOST: host, PORT: port } = cli.env;
    this.base = (url ?? `http://${host || DEFAULT_HOST}:${port || DEFAULT_PORT}`).replace(/\/+$/, '');
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path);
  }

  post<T>(path: string, content: Content): Promise<T> {
    return this.request<T>('POST', path, content);
  }

  patch<T>(path: string, content: Content): Promise<T> {
    return this.request<T>('PATCH', path, content);
  }

  async delete(path: string): Promise<void> {
    await this.request('DELETE', path);
  }

  /** Waits and tries again where the service says that it is busy or still loading. */
  private async request<T>(method: string, path: string, content: Content = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once<T>(method, path, content);
      } catch (error) {
        const again = error instanceof TimbreError && ['OVERLOADED', 'MODEL_NOT_READY'].includes(error.code);
        if (!again || error.retryAfterSeconds === undefined || attempt === ATTEMPTS) throw error;
        const seconds = Math.min(LONGEST_WAIT_SECONDS, error.retryAfterSeconds);
        this.cli.note(`${error.message}; trying again in ${seconds} s`);
        await delay(seconds * 1000, undefined, { signal: this.cli.signal }).catch((cause: unknown) => {
          throw new TimbreError('ABORTED', 'cancelled', { cause });
        });
      }
    }
  }

  private async once<T>(method: string, path: string, content: Content): Promise<T> {
    const init = await bodyOf(content);
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.base + path, { method, signal: this.cli.signal, ...init });
      text = await response.text();
    } catch (cause) {
      if (this.cli.signal.aborted) throw new TimbreError('ABORTED', 'cancelled', { cause });
      throw new TimbreError(
        'SERVICE_UNREACHABLE',
        `no service answers at ${this.base} (${reasonOf(cause)}); start one with \`timbre serve\`, or name it by --url`,
        { cause },
      );
    }
    if (response.ok) return (text === '' ? undefined : this.parse(text)) as T;
    throw errorOf(this.parse(text), response);
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
  for (const path of audio) form.append('audio', new Blob([await read(path)]), basename(path));
  return { body: form };
}

async function read(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TimbreError('AUDIO_NOT_FOUND', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
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
