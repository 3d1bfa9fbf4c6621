import type { DynamicModule, LoggerService, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../config/config.js';
import { discardRest } from './discard-rest.js';
import { leaveRecordings } from './leave-recordings.js';
import { jsonLimitsOf } from './json-limits.js';
import { continueLater } from './read-body.js';
import { readJson } from './read-json.js';
import { contextOf } from './request-context.js';
import { REQUEST_ID_HEADER } from './request-id.js';
import { setSecureHeaders } from './secure-headers.js';
import { sourceOf } from './source.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { toTimbreError } from './to-timbre-error.js';
import { WaitingBytes, type WaitingShare } from './waiting-bytes.js';

/** Longer than any address that Node takes: what is no id is for the validation to say. */
const MAX_PARAM_LENGTH = 64 * 1024;
const KEEP_ALIVE_MS = 72_000;
/** Node's own answer to a request that does not end comes after ours. */
const RECEIVE_GRACE_MS = 5000;
/** How often Node looks for requests that are late. */
const CHECK_CONNECTIONS_MS = 1000;

/** The body of an answer to an address that never reaches a route, and so no filter. */
export type ErrorForm = (error: TimbreError, requestId: string) => unknown;

/** A listener of the service: takes JSON, forms and recordings, nothing else. `logger`: default, the one of the first listener. */
export function createApplication(
  module: DynamicModule,
  config: Config,
  form: ErrorForm,
  logger?: LoggerService,
): Promise<NestFastifyApplication> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain objects
  const options: NestApplicationOptions = { bodyParser: false, abortOnError: false, ...(logger ? { logger } : {}) };
  return NestFactory.create<NestFastifyApplication>(module, createAdapter(config, form), options);
}

function createAdapter(config: Config, form: ErrorForm): FastifyAdapter {
  const requestTimeout = Math.ceil(config.requestSeconds * 1000) + RECEIVE_GRACE_MS;
  const adapter = new FastifyAdapter({
    bodyLimit: config.maxJsonBytes,
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      requestTimeout,
      headersTimeout: Math.min(requestTimeout, Math.ceil(config.headerSeconds * 1000)),
      connectionsCheckingInterval: CHECK_CONNECTIONS_MS,
      // Node's own refusal has no body; ours follows.
      requireHostHeader: false,
    },
    // Below a prefix the router knows the page by the prefix alone, and its address ends with a slash.
    rewriteUrl: ({ url = '' }) => withoutSlash(url, config.basePath),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    genReqId: (raw: IncomingMessage) => contextOf(raw).id,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const known = toTimbreError(error);
      setSecureHeaders(request.raw, reply.raw, config.basePath);
      void reply.header(REQUEST_ID_HEADER, request.id).status(known.httpStatus).send(form(known, request.id));
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, form),
    multipart: false,
    logger: false,
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.addHook('onRequest', ({ raw }, reply, done) => {
    setSecureHeaders(raw, reply.raw, config.basePath);
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      discardRest(raw);
      done(new TimbreError('INVALID_ARGUMENT', 'a request of HTTP/1.1 needs the header "host"'));
    } else {
      done();
    }
  });
  fastify.removeAllContentTypeParsers();
  acceptJson(fastify, config);
  leaveRecordings(fastify);
  refuseOtherBodies(fastify);
  fastify.server.maxConnections = config.maxConnections;
  // A refusal comes before the body, and whoever reads the body asks for it.
  fastify.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueLater(request, response);
    fastify.server.emit('request', request, response);
  });
  // Node's own answer has no body.
  fastify.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const known = new TimbreError('INVALID_ARGUMENT', 'the header "expect" may ask for 100-continue only');
    const { id } = contextOf(request);
    setSecureHeaders(request, response, config.basePath);
    const body = JSON.stringify(form(known, id));
    response.writeHead(known.httpStatus, {
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      [REQUEST_ID_HEADER]: id,
    });
    response.end(body);
  });
  return adapter;
}

/** `/prefix/` and `/prefix/?query` as the router has them; every other address as it is. */
function withoutSlash(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(`${basePath}/`)) return url;
  const rest = url.slice(basePath.length + 1);
  return rest === '' || rest.startsWith('?') ? basePath + rest : url;
}

/** JSON counts among the bytes that are worked on until the answer is sent. */
function acceptJson(fastify: FastifyInstance, config: Config): void {
  const bodies = WaitingBytes.of(config);
  const shares = new WeakMap<IncomingMessage, WaitingShare>();
  fastify.addHook('onRequest', ({ raw }, reply, done) => {
    const share = bodies.share(() => sourceOf(raw));
    shares.set(raw, share);
    reply.raw.once('close', () => share.release());
    done();
  });
  fastify.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    if (takesNoBody(request)) return undefined;
    return readJson(payload, shares.get(request.raw)!, jsonLimitsOf(request, config), config);
  });
}

/** What comes with a call that is not there, or that deletes, is not read. */
function takesNoBody(request: FastifyRequest): boolean {
  return request.is404 || request.method === 'DELETE';
}

/** What is no request of HTTP, or does not come to its end, never reaches a route. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket, form: ErrorForm): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = ofClient(error);
  const id = randomUUID();
  const body = JSON.stringify(form(known, id));
  const head = [
    `HTTP/1.1 ${known.httpStatus} ${STATUS_CODES[known.httpStatus]}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${id}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function ofClient(error: NodeJS.ErrnoException): TimbreError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TimbreError('DEADLINE_EXCEEDED', 'the request did not come to its end in time');
    case 'HPE_HEADER_OVERFLOW':
      return new TimbreError('INVALID_ARGUMENT', "the request's head is too large");
    case 'HPE_INVALID_EOF_STATE':
      return new TimbreError(
        'INVALID_ARGUMENT',
        'the request was cut off: the connection ended before it was complete',
      );
    default:
      return new TimbreError('INVALID_ARGUMENT', 'this is no request of HTTP/1.1');
  }
}

/** An empty body is none, whatever it is called. */
function refuseOtherBodies(fastify: FastifyInstance): void {
  fastify.addContentTypeParser('*', (request, _payload, done) => {
    const { headers, raw } = request;
    if (
      takesNoBody(request) ||
      (headers['transfer-encoding'] === undefined && !Number(headers['content-length'] ?? 0))
    ) {
      done(null);
      return;
    }
    discardRest(raw);
    const type = JSON.stringify((headers['content-type'] ?? '').slice(0, 100));
    done(new TimbreError('CONTENT_TYPE_UNSUPPORTED', `got a body of the content type ${type}; send application/json`));
  });
}
