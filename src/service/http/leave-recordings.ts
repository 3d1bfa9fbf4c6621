import type { FastifyInstance } from 'fastify';
import { RECORDING_TYPES } from './recording-types.js';

/** Leaves forms and recordings unread, for `receive`. */
export function leaveRecordings(fastify: FastifyInstance): void {
  for (const type of ['multipart/form-data', RECORDING_TYPES]) {
    if (fastify.hasContentTypeParser(type)) continue;
    fastify.addContentTypeParser(type, (_request, _payload, done) => done(null));
  }
}
