import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Observable } from 'rxjs';
import { discardRest } from '../http/discard-rest.js';
import { prefersAsync } from '../http/prefer.js';
import { rawRequest } from '../http/request-context.js';
import { ConversationsService } from './conversations.service.js';

/** Refuses a conversation that would not be taken on before its recording is read. */
@Injectable()
export class ConversationAdmission implements NestInterceptor {
  constructor(private readonly conversations: ConversationsService) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = rawRequest(execution.switchToHttp().getRequest<IncomingMessage>());
    try {
      await this.conversations.admit(prefersAsync(request));
    } catch (error) {
      discardRest(request);
      throw error;
    }
    return next.handle();
  }
}
