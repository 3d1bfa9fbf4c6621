import { Logger } from '@nestjs/common';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { contextOf, rawResponse } from './request-context.js';

const logger = new Logger('Http');

/**
 * A response as an application's framework has it: Node.js's own, or one around that. Not by the framework's own types: who
 * compiles an application on Express has none of Fastify.
 */
export type HostResponse = ServerResponse | WrappedResponse;

interface WrappedResponse {
  raw: ServerResponse;
  getHeaders(): OutgoingHttpHeaders;
  /** Leaves the answer to somebody else. */
  hijack(): unknown;
}

/**
 * Answers with text, or bytes, as it is made, no faster than the client takes it, and ends the making of it when the client goes
 * away. What goes wrong before the first piece is an answer as of any call; what goes wrong later can only end the
 * connection, so that nobody takes the part for the whole.
 */
export async function streamAnswer(
  request: IncomingMessage,
  response: HostResponse,
  headers: Readonly<Record<string, string>>,
  pieces: AsyncGenerator<string | Buffer>,
): Promise<void> {
  const first = await pieces.next();
  const raw = takeOver(response);
  raw.writeHead(200, headers);
  try {
    await pipeline(Readable.from(startingWith(first, pieces)), raw);
  } catch (error) {
    if (!contextOf(request).signal.aborted) logger.warn({ err: error, msg: 'an answer broke off' });
  }
}

/** The response under the framework, which leaves it alone from now on, with the headers that it has by now. */
export function takeOver(response: HostResponse): ServerResponse {
  const raw = rawResponse(response);
  if ('hijack' in response) {
    for (const [name, value] of Object.entries(response.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
    response.hijack();
  }
  return raw;
}

async function* startingWith(
  first: IteratorResult<string | Buffer, unknown>,
  rest: AsyncGenerator<string | Buffer>,
): AsyncGenerator<string | Buffer> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    // Where nobody took more than the first piece, too.
    await rest.return(undefined);
  }
}
