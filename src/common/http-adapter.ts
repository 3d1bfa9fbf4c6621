import type { DynamicModule, LoggerService, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.js';
import { parseJson } from './parse-json.js';
import { contextOf } from './request-context.js';
import { REQUEST_ID_HEADER } from './request-id.js';
import type { TimbreError } from './timbre-error.js';
import { toTimbreError } from './to-timbre-error.js';

/** Longer than any address that Node takes: what is no id is for the validation to say. */
const MAX_PARAM_LENGTH = 64 * 1024;
const KEEP_ALIVE_MS = 72_000;
/** Node's own answer to a request that does not end comes after ours. */
const RECEIVE_GRACE_MS = 5000;

/** The body of an answer to an address that never reaches a route, and so no filter. */
export type ErrorForm = (error: TimbreError, requestId: string) => unknown;

/** A listener of the service: takes JSON and forms, nothing else. `logger`: default, the one of the first listener. */
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
  const adapter = new FastifyAdapter({
    bodyLimit: config.maxJsonBytes,
    requestTimeout: Math.ceil(config.requestSeconds * 1000) + RECEIVE_GRACE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    genReqId: (raw: IncomingMessage) => contextOf(raw).id,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const known = toTimbreError(error);
      void reply.header(REQUEST_ID_HEADER, request.id).status(known.httpStatus).send(form(known, request.id));
    },
    multipart: false,
    logger: false,
  });
  adapter.useBodyParser('application/json', false, { bodyLimit: config.maxJsonBytes }, (_request, body, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
  acceptForms(adapter.getInstance());
  return adapter;
}

/** Leaves the bodies of forms unread, for `receive`. */
export function acceptForms(fastify: FastifyInstance): void {
  if (fastify.hasContentTypeParser('multipart/form-data')) return;
  fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
}
