import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Observable } from 'rxjs';
import { rawRequest } from '../http/request-context.js';
import { discardRest } from '../http/discard-rest.js';
import { JobsService } from './jobs.service.js';

/** Refuses a job that there is no room for before its uploads are read. */
@Injectable()
export class JobAdmission implements NestInterceptor {
  constructor(private readonly jobs: JobsService) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    try {
      await this.jobs.admit();
    } catch (error) {
      discardRest(rawRequest(execution.switchToHttp().getRequest<IncomingMessage>()));
      throw error;
    }
    return next.handle();
  }
}
