import { Catch, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../../errors/error-codes.js';
import { contextOf, rawResponse } from './request-context.js';
import { REQUEST_ID_HEADER } from './request-id.js';
import type { TimbreError } from '../../errors/timbre-error.js';
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
  RATE_LIMITED: 60,
  MODEL_NOT_READY: 2,
  ENGINE_CLOSED: 5,
  OUT_OF_MEMORY: 5,
};

/** The one place where errors become answers. A form other than `ErrorBody` is a subclass. */
@Catch()
@Injectable()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Errors');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { id } = contextOf(http.getRequest<IncomingMessage>());
    const response = http.getResponse<ServerResponse>();
    const raw = rawResponse(response);
    const error = toTimbreError(thrown);
    const status = this.status(error);

    if (status >= 500 && status !== 503) {
      this.logger.error({ requestId: id, code: error.code, err: error.cause ?? error, msg: error.message });
    } else {
      this.logger.debug({ requestId: id, code: error.code, msg: error.message });
    }
    if (raw.headersSent || raw.destroyed) return;

    const { httpAdapter } = this.host;
    const retryAfter = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS[error.code];
    if (retryAfter !== undefined) httpAdapter.setHeader(response, 'retry-after', String(Math.ceil(retryAfter)));
    if (error.code === 'UNAUTHENTICATED') httpAdapter.setHeader(response, 'www-authenticate', 'Bearer realm="timbre"');
    httpAdapter.setHeader(response, REQUEST_ID_HEADER, id);
    httpAdapter.setHeader(response, 'content-type', 'application/json; charset=utf-8');
    httpAdapter.reply(response, this.body(error, id), status);
  }

  protected status(error: TimbreError): number {
    return error.httpStatus;
  }

  protected body(error: TimbreError, requestId: string): unknown {
    return errorBodyOf(error, requestId);
  }
}

export function errorBodyOf({ code, message, details }: TimbreError, requestId: string): ErrorBody {
  return { code, message, requestId, ...(details === undefined ? {} : { details }) };
}
