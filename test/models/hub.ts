import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request is answered. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** Answer a Range with the whole file. */
  ignoreRange?: boolean;
  /** Cut the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Content-Length of the lie; 'none' for a chunked body. */
  announce?: number | 'none';
  /** Position of a byte of the file that is flipped. */
  wrongByteAt?: number;
  /** Bytes appended to the file. */
  extra?: number;
  /** Start of the range that is claimed, where it is not the one asked for. */
  claimStart?: number;
  etag?: string;
  /** Called before the body is sent; the body waits for it. */
  hold?: Promise<void>;
}

export interface Seen {
  url: string;
  range: string | undefined;
  ifRange: string | undefined;
}

/** A file server that behaves as badly as it is told. */
export class Hub {
  readonly requests: Seen[] = [];
  readonly sha256: string;
  private readonly server: Server;

  private constructor(
    readonly content: Buffer,
    private readonly plan: (number: number, request: Seen) => Answer,
  ) {
    this.sha256 = createHash('sha256').update(content).digest('hex');
    this.server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  /** `plan` gives the answer to the request of a number, counted from 0. */
  static async start(content: Buffer, plan: (number: number, request: Seen) => Answer = () => ({})): Promise<Hub> {
    const hub = new Hub(content, plan);
    hub.server.listen(0, '127.0.0.1');
    await once(hub.server, 'listening');
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get file(): { url: string; bytes: number; sha256: string } {
    return { url: `${this.url}/file.ckpt`, bytes: this.content.length, sha256: this.sha256 };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: Seen = {
      url: request.url ?? '',
      range: request.headers.range,
      ifRange: request.headers['if-range'] as string | undefined,
    };
    const answer = this.plan(this.requests.push(seen) - 1, seen);
    const etag = answer.etag ?? '"one"';
    if (answer.status !== undefined) {
      response.writeHead(answer.status, answer.headers).end('no');
      return;
    }
    const whole = Buffer.concat([this.content, Buffer.alloc(answer.extra ?? 0, 7)]);
    if (answer.wrongByteAt !== undefined) whole[answer.wrongByteAt]! ^= 1;
    const asked = /^bytes=(\d+)-$/.exec(seen.range ?? '');
    const partial = asked && !answer.ignoreRange && (seen.ifRange === undefined || seen.ifRange === etag);
    const start = partial ? Number(asked[1]) : 0;
    if (start >= whole.length) {
      response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
      return;
    }
    const body = whole.subarray(start);
    response.writeHead(partial ? 206 : 200, {
      etag,
      'content-type': 'application/octet-stream',
      ...(partial && {
        'content-range': `bytes ${answer.claimStart ?? start}-${whole.length - 1}/${whole.length}`,
      }),
      ...(answer.announce === 'none' ? {} : { 'content-length': String(answer.announce ?? body.length) }),
      ...answer.headers,
    });
    response.flushHeaders();
    await answer.hold;
    if (answer.cutAfter !== undefined && answer.cutAfter < body.length) {
      // The bytes are on their way before the connection is reset.
      response.write(body.subarray(0, answer.cutAfter), () => response.socket?.end(() => response.destroy()));
      return;
    }
    // A body that does not fit its announcement cannot be sent through response.end().
    if (typeof answer.announce === 'number' && answer.announce !== body.length) {
      response.socket?.end(body);
      return;
    }
    response.end(body);
  }
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
