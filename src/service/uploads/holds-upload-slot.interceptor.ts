import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { sourceOf } from '../http/source.js';
import { UploadSlots } from './upload-slots.js';

/** For calls that name recordings of this machine: they are as much work as recordings that are sent. */
@Injectable()
export class HoldsUploadSlot implements NestInterceptor {
  constructor(private readonly slots: UploadSlots) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const release = this.slots.take(sourceOf(execution.switchToHttp().getRequest<IncomingMessage>()));
    try {
      return of(await lastValueFrom(next.handle(), { defaultValue: undefined }));
    } finally {
      release();
    }
  }
}
