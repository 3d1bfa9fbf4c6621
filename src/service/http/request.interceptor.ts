import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Observable } from 'rxjs';
import { Config } from '../config/config.js';
import { actAs } from '../../support/actor.js';
import { REQUEST_ID_HEADER } from './request-id.js';
import { contextOf, rawRequest, rawResponse, routeOf } from './request-context.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Traffic } from './traffic.js';

/** Gives every request its route, its deadline, its cancellation, its actor, and its id in the answer. */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  constructor(
    private readonly config: Config,
    private readonly traffic: Traffic,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = execution.switchToHttp();
    const request = rawRequest(http.getRequest<IncomingMessage>());
    const context = contextOf(request);
    const response = rawResponse(http.getResponse<ServerResponse>());
    context.route = routeOf(execution);
    this.traffic.follow(request, response);
    if (this.traffic.stopping) throw new TimbreError('ENGINE_CLOSED', 'the service is stopping');
    context.deadline = context.started + this.config.requestSeconds * 1000;
    response.once('close', () => {
      if (!response.writableFinished) context.abort();
    });
    if (!response.headersSent) response.setHeader(REQUEST_ID_HEADER, context.id);
    const { scopes, groups } = context;
    return actAs({ by: context.keyId ?? 'local', requestId: context.trailId, scopes, groups }, () => next.handle());
  }
}
