import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from './error-codes.js';
import type { TimbreError } from './timbre-error.js';
import { toTimbreError } from './to-timbre-error.js';

/** The body of every answer that is an error. */
export interface ErrorBody {
  code: ErrorCode;
  /** What was wrong and what to do, for people. */
  message: string;
  details?: unknown;
  requestId: string;
}

/** Seconds until a repeated call has a chance, where the error does not know better. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  OVERLOADED: 1,
  MODEL_NOT_READY: 2,
  ENGINE_CLOSED: 5,
  OUT_OF_MEMORY: 5,
};

/** The one place where errors become answers. A form other than `ErrorBody` is a subclass that overrides `body`. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = toTimbreError(thrown);
    const status = this.status(error);

    if (status >= 500 && status !== 503) request.log.error({ err: error, cause: error.cause }, error.message);
    else request.log.debug({ code: error.code }, error.message);
    if (reply.sent || reply.raw.destroyed) return;

    const retryAfter = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS[error.code];
    if (retryAfter !== undefined) void reply.header('retry-after', String(Math.ceil(retryAfter)));
    void reply.status(status).type('application/json; charset=utf-8').send(this.body(error, request.id));
  }

  protected status(error: TimbreError): number {
    return error.httpStatus;
  }

  protected body(error: TimbreError, requestId: string): unknown {
    const body: ErrorBody = { code: error.code, message: error.message, requestId };
    if (error.details !== undefined) body.details = error.details;
    return body;
  }
}
