import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import { readEvents, readLines, type ServiceEvent } from './events.js';
import { OPERATIONS, Operations } from './operations.js';
import type { Answer, Arguments, CallOptions, Given, OperationId, OperationRow, Paged } from './types.js';
import { appendUpload, type Upload } from './upload.js';

export interface ClientOptions {
  /** Address of the service, with its prefix where it has one: `http://127.0.0.1:3000`. */
  url: string;
  /** The API key, or what gives it before each request. */
  key?: string | (() => string | undefined | Promise<string | undefined>);
  /** Attempts at a request that a busy or starting service turns away, the first included. Default 6. */
  attempts?: number;
  /** Told before the client waits and tries again. */
  onRetry?: (error: TimbreError, seconds: number) => void;
  /** In place of the global one. */
  fetch?: typeof fetch;
}

/** What a service that is busy or still loads its model answers. */
const TURNED_AWAY: ReadonlySet<string> = new Set(['OVERLOADED', 'RATE_LIMITED', 'MODEL_NOT_READY']);
const LONGEST_WAIT_SECONDS = 30;

/** What a service that is stopping, starting or busy says, or a connection that broke off. */
const AWAY: ReadonlySet<string> = new Set([
  'SERVICE_UNREACHABLE',
  'ENGINE_CLOSED',
  'OVERLOADED',
  'STORAGE_UNAVAILABLE',
]);
/** Attempts at a stream of events without one more event, and the pause before each: about a minute for a restart. */
const FOLLOW_ATTEMPTS = 30;
const FOLLOW_PAUSE_SECONDS = 2;

/** The parameters and the body of a call, whichever it is. */
type AnyGiven = Record<string, unknown> & { json?: unknown; form?: Record<string, unknown> };

/**
 * A Timbre service, by its REST API: a method for every call. Needs `fetch` and nothing else: Node.js, Bun, Deno, browsers.
 *
 * Errors of every call: TimbreError with the service's own code, SERVICE_UNREACHABLE where none answers, ABORTED.
 */
export class TimbreClient extends Operations {
  /** Address of the service, without a slash at its end. */
  readonly url: string;

  constructor(private readonly options: ClientOptions) {
    super();
    this.url = options.url.replace(/\/+$/, '');
  }

  /** Waits and tries again where the service says that it is busy or still loading. */
  async call<Id extends OperationId>(operation: Id, ...[given, options]: Arguments<Id>): Promise<Answer<Id>> {
    const { attempts = 6, onRetry } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.once(OPERATIONS[operation], given ?? {}, options ?? {})) as Answer<Id>;
      } catch (error) {
        const again = error instanceof TimbreError && TURNED_AWAY.has(error.code);
        if (!again || error.retryAfterSeconds === undefined || attempt >= attempts) throw error;
        const seconds = Math.min(LONGEST_WAIT_SECONDS, error.retryAfterSeconds);
        onRetry?.(error, seconds);
        await pause(seconds, options?.signal);
      }
    }
  }

  /** The pages of a list, one after the other. */
  async *pages<Id extends Paged>(operation: Id, given: Given<Id>, options?: CallOptions): AsyncGenerator<Answer<Id>> {
    let cursor: string | null = null;
    do {
      const of: AnyGiven = { ...(given as AnyGiven), ...(cursor !== null && { cursor }) };
      const page: Answer<Id> = await this.call(operation, ...([of, options] as unknown as Arguments<Id>));
      yield page;
      cursor = (page as unknown as { nextCursor: string | null }).nextCursor;
    } while (cursor !== null);
  }

  /**
   * Follows a job until its event `end`. Where the connection breaks off, it is made anew and goes on after the last
   * event; a service that stays away for a minute ends it.
   */
  async *follow(jobId: string, options: CallOptions = {}): AsyncGenerator<ServiceEvent> {
    let last = '';
    for (let attempt = 1; ; attempt++) {
      let before = last;
      try {
        const given = { id: jobId, ...(last === '' ? {} : { 'Last-Event-ID': last }) };
        const events = await this.once(OPERATIONS.followJob, given, options);
        // No content: the end was seen already.
        if (events === undefined) return;
        for await (const event of readEvents(events as ReadableStream<Uint8Array>)) {
          if (event.id !== '') last = event.id;
          if (last !== before) [attempt, before] = [1, last];
          yield event;
          if (event.event === 'end') return;
        }
      } catch (thrown) {
        const error = thrown instanceof TimbreError ? thrown : this.unreachable(thrown, options.signal);
        if (!AWAY.has(error.code) || attempt >= FOLLOW_ATTEMPTS) throw error;
      }
      if (attempt >= FOLLOW_ATTEMPTS) {
        throw this.unreachable(new Error('the stream of events ends again and again'), options.signal);
      }
      await pause(FOLLOW_PAUSE_SECONDS, options.signal);
    }
  }

  /** The entries of the audit trail as they come, oldest first. */
  async *auditEntries(given: Given<'exportAudit'> = {}, options: CallOptions = {}): AsyncGenerator {
    yield* readLines(await this.call('exportAudit', given, options));
  }

  private async once(row: OperationRow, given: AnyGiven, { signal }: CallOptions): Promise<unknown> {
    const { key, fetch: send = fetch } = this.options;
    const headers = new Headers();
    const secret = typeof key === 'function' ? await key() : key;
    if (secret) headers.set('authorization', `Bearer ${secret}`);
    for (const name of row.headers) {
      const value = textOf(given[name]);
      if (value !== undefined) headers.set(name, value);
    }
    if (given.json !== undefined) headers.set('content-type', 'application/json');
    const body = bodyOf(given);
    let response: Response;
    try {
      response = await send(this.addressOf(row, given), {
        method: row.method,
        headers,
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      if (response.ok && row.answer === 'stream') return response.body ?? undefined;
    } catch (cause) {
      throw this.unreachable(cause, signal);
    }
    const text = await response.text().catch((cause: unknown) => {
      throw this.unreachable(cause, signal);
    });
    if (!response.ok) throw errorOf(this.parse(text), response);
    if (row.answer === 'text') return text;
    return row.answer === 'none' || text === '' ? undefined : this.parse(text);
  }

  private addressOf(row: OperationRow, given: AnyGiven): string {
    const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(given[name]) ?? ''));
    const query = new URLSearchParams();
    for (const name of row.query) {
      const value = textOf(given[name]);
      if (value !== undefined) query.set(name, value);
    }
    return this.url + path + (query.size > 0 ? `?${query.toString()}` : '');
  }

  private unreachable(cause: unknown, signal: AbortSignal | undefined): TimbreError {
    if (signal?.aborted) return new TimbreError('ABORTED', 'cancelled', { cause });
    return new TimbreError('SERVICE_UNREACHABLE', `no service answers at ${this.url} (${reasonOf(cause)})`, { cause });
  }

  private parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new TimbreError('SERVICE_UNREACHABLE', `what answers at ${this.url} is no Timbre service`, { cause });
    }
  }
}

function bodyOf({ json, form: fields }: AnyGiven): string | FormData | undefined {
  if (json !== undefined) return JSON.stringify(json);
  if (fields === undefined) return undefined;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const text = textOf(one);
      if (text !== undefined) form.append(name, text);
      else if (one !== undefined) appendUpload(form, name, one as Upload);
    }
  }
  return form;
}

/** Of what is one word of text in a path, a query, a header or a form; undefined for anything else. */
function textOf(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
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

/** Errors: ABORTED. */
function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(new TimbreError('ABORTED', 'cancelled', { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
  });
}
