import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Observable } from 'rxjs';
import { Config } from '../config/config.js';
import { REQUEST_ID_HEADER } from './request-id.js';
import { contextOf, rawResponse } from './request-context.js';

/** Gives every request its deadline, its cancellation and its id in the answer. */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  constructor(private readonly config: Config) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = execution.switchToHttp();
    const context = contextOf(http.getRequest<IncomingMessage>());
    const response = rawResponse(http.getResponse<ServerResponse>());
    context.deadline = context.started + this.config.requestSeconds * 1000;
    response.once('close', () => {
      if (!response.writableFinished) context.abort();
    });
    if (!response.headersSent) response.setHeader(REQUEST_ID_HEADER, context.id);
    return next.handle();
  }
}
