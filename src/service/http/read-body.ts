import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TimbreError } from '../../errors/timbre-error.js';
import type { WaitingShare } from './waiting-bytes.js';

/** A body comes at no less than the least rate over this time, milliseconds; a short pause is nobody's fault. */
const RATE_WINDOW_MS = 4000;

/** How often the rate is looked at, milliseconds. */
const RATE_CHECK_MS = 500;

/** Longest delay of a timer, milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface BodyBounds {
  /** Of the body, as declared and as it comes out of its encoding. */
  maxBytes: number;
  /** What a body with more bytes is answered with. */
  tooLarge: () => TimbreError;
  /** `performance.now()` when the whole must be here, and the seconds that it had. */
  deadline: number;
  seconds: number;
  /** A body that comes more slowly ends; 0: none is too slow. */
  minBytesPerSecond: number;
  /** Grows with the body. */
  share: WaitingShare;
  /** Bytes of the share for a byte of the body. */
  sharePerByte: number;
  /** Ends the reading with its reason. */
  signal?: AbortSignal;
}

/** Requests that wait to be told to go on: `Expect: 100-continue`. */
const expecting = new WeakMap<IncomingMessage, ServerResponse>();

/** The body of this request is sent only when it is asked for: `readBody` does, a refusal comes before it. */
export function continueLater(request: IncomingMessage, response: ServerResponse): void {
  expecting.set(request, response);
}

/**
 * Reads a request's body, decoded, piece by piece; the next piece comes when `take` is done with the one before. Resolves
 * at the end of the body.
 *
 * Errors: BODY_TOO_LARGE or what `tooLarge` gives; CONTENT_TYPE_UNSUPPORTED for an encoding other than gzip;
 * INVALID_ARGUMENT for a body that is not in its encoding or cut off; OVERLOADED where the share cannot grow;
 * DEADLINE_EXCEEDED for one that comes too late or too slowly; ABORTED when the client goes away; what `take` throws.
 */
export function readBody(
  request: IncomingMessage,
  bounds: BodyBounds,
  take: (piece: Buffer) => void | Promise<void>,
): Promise<void> {
  return new BodyReading(request, bounds, take).run();
}

class BodyReading {
  private readonly rate: RateMeter;
  private source: Readable;
  private bytes = 0;
  private taking = false;
  private ended = false;
  private over = false;
  private settle!: (error?: unknown) => void;

  constructor(
    private readonly request: IncomingMessage,
    private readonly bounds: BodyBounds,
    private readonly take: (piece: Buffer) => void | Promise<void>,
  ) {
    this.source = request;
    this.rate = new RateMeter(bounds.minBytesPerSecond);
  }

  async run(): Promise<void> {
    const { request, bounds } = this;
    if (Number(request.headers['content-length'] ?? 0) > bounds.maxBytes) throw bounds.tooLarge();
    const gunzip = isCompressed(request) ? createGunzip() : undefined;
    if (request.readableEnded) throw new TimbreError('INVALID_ARGUMENT', 'the body was read before it came here');
    this.source = gunzip ?? request;
    const done = new Promise<void>((resolve, reject) => {
      this.settle = (error) => {
        this.over = true;
        if (error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error('the body could not be taken', { cause: error }));
      };
    });
    const stop = this.listen();
    try {
      expecting.get(request)?.writeContinue();
      expecting.delete(request);
      if (gunzip) request.pipe(gunzip);
      await done;
    } finally {
      stop();
      if (gunzip) {
        request.unpipe(gunzip);
        gunzip.destroy();
      }
    }
  }

  /** Gives a function that takes all listeners off. */
  private listen(): () => void {
    const { request, source, bounds } = this;
    const came = (piece: Buffer): void => this.rate.count(piece.length);
    const decoded = (piece: Buffer): void => void this.pass(piece);
    const ended = (): void => {
      this.ended = true;
      if (!this.taking) this.settle();
    };
    const gone = (): void => {
      if (!request.complete) this.settle(new TimbreError('ABORTED', 'the client went away during its request'));
    };
    const undecodable = (error: unknown): void => this.settle(source === request ? goneWith(error) : broken(error));
    const aborted = (): void => this.settle(bounds.signal?.reason);
    const late = setTimeout(
      () => this.settle(this.tooLate()),
      Math.min(Math.max(0, bounds.deadline - performance.now()), LONGEST_TIMER_MS),
    );
    const look = setInterval(() => {
      if (this.rate.isTooSlow()) this.settle(this.tooSlow());
    }, RATE_CHECK_MS);
    request.on('data', came).once('close', gone).once('error', gone);
    source.on('data', decoded).once('end', ended).once('error', undecodable);
    bounds.signal?.addEventListener('abort', aborted);
    if (bounds.signal?.aborted) aborted();
    if (request.destroyed) gone();
    return () => {
      clearTimeout(late);
      clearInterval(look);
      request.off('data', came).off('close', gone).off('error', gone);
      source.off('data', decoded).off('end', ended).off('error', undecodable);
      // What a stream that was let go still complains about is nobody's business.
      source.on('error', () => undefined);
      bounds.signal?.removeEventListener('abort', aborted);
    };
  }

  private async pass(piece: Buffer): Promise<void> {
    if (this.over) return;
    try {
      this.bytes += piece.length;
      if (this.bytes > this.bounds.maxBytes) throw this.bounds.tooLarge();
      this.bounds.share.grow(this.bounds.sharePerByte * piece.length);
      const taken = this.take(piece);
      if (!taken) return;
      // The client is not to blame for the time that this takes.
      this.taking = true;
      this.source.pause();
      this.rate.pause();
      await taken;
      this.taking = false;
      if (this.isOver()) return;
      this.rate.resume();
      if (this.ended) this.settle();
      else this.source.resume();
    } catch (error) {
      this.settle(error);
    }
  }

  private isOver(): boolean {
    return this.over;
  }

  private tooLate(): TimbreError {
    return new TimbreError('DEADLINE_EXCEEDED', `the request was not complete after ${this.bounds.seconds} s`);
  }

  private tooSlow(): TimbreError {
    return new TimbreError(
      'DEADLINE_EXCEEDED',
      `the body comes at less than ${this.bounds.minBytesPerSecond} bytes a second`,
    );
  }
}

/** How fast the client sends while somebody waits for it. */
class RateMeter {
  private bytes = 0;
  private waitedMs = 0;
  private since: number | undefined = performance.now();

  constructor(private readonly least: number) {}

  count(bytes: number): void {
    this.bytes += bytes;
  }

  pause(): void {
    if (this.since !== undefined) this.waitedMs += performance.now() - this.since;
    this.since = undefined;
  }

  resume(): void {
    this.since ??= performance.now();
  }

  isTooSlow(): boolean {
    if (this.least === 0 || this.since === undefined) return false;
    this.pause();
    this.resume();
    if (this.waitedMs < RATE_WINDOW_MS) return false;
    const slow = this.bytes < (this.least * this.waitedMs) / 1000;
    [this.bytes, this.waitedMs] = [0, 0];
    return slow;
  }
}

/** Errors: CONTENT_TYPE_UNSUPPORTED. */
function isCompressed({ headers }: IncomingMessage): boolean {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new TimbreError(
    'CONTENT_TYPE_UNSUPPORTED',
    `the content encoding ${JSON.stringify(encoding.slice(0, 40))} is none of gzip and identity`,
  );
}

function goneWith(cause: unknown): TimbreError {
  return new TimbreError('ABORTED', 'the client went away during its request', { cause });
}

function broken(cause: unknown): TimbreError {
  const cut = (cause as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
  const text = cut
    ? 'the body is cut off: its gzip stream is not complete'
    : 'the body is not in gzip, as its head says';
  return new TimbreError('INVALID_ARGUMENT', text, { cause });
}
