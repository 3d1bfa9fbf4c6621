import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { lastValueFrom, of, type Observable } from 'rxjs';
import type { z } from 'zod';
import { discardRest } from '../http/discard-rest.js';
import type { JsonLimits } from '../http/json-reader.js';
import { contextOf, rawRequest } from '../http/request-context.js';
import { sourceOf } from '../http/source.js';
import { invalid } from '../http/validation.js';
import { WaitingBytes } from '../http/waiting-bytes.js';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { withClientNames } from './client-names.js';
import { isForm, isRecording, receive, type ReceiveLimits } from './receive.js';
import type { Recording, UploadForm } from './recording.js';
import { UploadMemory } from './upload-memory.js';
import { UploadSlots } from './upload-slots.js';

export const UPLOAD_METADATA = Symbol('upload');

export interface UploadMetadata {
  form: UploadForm;
  fields: z.ZodObject;
  options: UploadOptions;
}

export interface UploadOptions {
  /** Leave bodies that are no form to the handler, which then gets no recordings. */
  orJson?: boolean;
  /** The form of those bodies, for the documentation. */
  json?: z.ZodType;
  /** As many recordings as a job may have; nothing of the engine is needed before the answer. */
  forJob?: boolean;
  /** Whether nothing of the engine is needed before the answer to this request: it becomes a job. */
  becomesJob?: (request: IncomingMessage) => boolean;
  /** Fields of the form that hold JSON; `FormFields` gives their values. */
  jsonFields?: (config: Config) => Record<string, JsonLimits>;
}

interface ValidatedUpload {
  recordings: Recording[];
  fields: unknown;
}

/** Whether a call takes a body that is one recording: one that has one field of recordings, and no need of others. */
export function takesRaw(form: UploadForm, { forJob }: UploadOptions): boolean {
  return Object.keys(form).length === 1 && !forJob;
}

const uploads = new WeakMap<IncomingMessage, ValidatedUpload>();

/** What the interceptor received for this request. */
export function uploadOf(request: IncomingMessage): ValidatedUpload {
  const upload = uploads.get(rawRequest(request));
  if (!upload) throw new Error('@Recordings() and @FormFields() need @AcceptsRecordings() on the same handler');
  return upload;
}

/** Refuses before it reads: no slot, model not ready, queue full. Then receives, lets the handler run, and removes. */
@Injectable()
export class UploadsInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Uploads');

  constructor(
    private readonly reflector: Reflector,
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly slots: UploadSlots,
    private readonly memory: UploadMemory,
  ) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { form, fields, options } = this.reflector.get<UploadMetadata>(UPLOAD_METADATA, execution.getHandler());
    const request = rawRequest(execution.switchToHttp().getRequest<IncomingMessage>());
    const raw = takesRaw(form, options);
    if (options.orJson && !isForm(request) && !isRecording(request)) return this.withJson(request, options, next);
    const release = this.admit(request, options);
    try {
      const share = WaitingBytes.of(this.config).share(() => sourceOf(request));
      const limits = { ...this.limits(options), raw };
      const upload = await receive(request, form, limits, contextOf(request), share, this.memory);
      try {
        const result = fields.safeParse({ ...upload.fields });
        if (!result.success) throw invalid(result.error.issues);
        uploads.set(request, { recordings: upload.recordings, fields: result.data });
        return of(await lastValueFrom(next.handle(), { defaultValue: undefined }));
      } catch (error) {
        throw withClientNames(error, upload.recordings);
      } finally {
        await upload.remove().catch((error: unknown) => {
          this.logger.warn({ err: error, msg: 'the temporary files of a request could not be removed' });
        });
      }
    } finally {
      release();
    }
  }

  /** The recordings, if any, are part of a JSON body. */
  private async withJson(
    request: IncomingMessage,
    { forJob }: UploadOptions,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    uploads.set(request, { recordings: [], fields: {} });
    if (forJob) return next.handle();
    const release = this.slots.take(sourceOf(request));
    try {
      return of(await lastValueFrom(next.handle(), { defaultValue: undefined }));
    } finally {
      release();
    }
  }

  private limits({ forJob, jsonFields }: UploadOptions): Omit<ReceiveLimits, 'raw'> {
    const { config } = this;
    const { maxUploadBytes, maxRequestBytes, requestSeconds, minUploadBytesPerSecond, uploadDir } = config;
    return {
      maxFiles: forJob ? config.maxJobItems : config.maxFiles,
      maxUploadBytes,
      maxRequestBytes,
      requestSeconds,
      minUploadBytesPerSecond,
      uploadDir,
      ...(jsonFields ? { json: jsonFields(config) } : {}),
    };
  }

  private admit(request: IncomingMessage, { forJob, becomesJob }: UploadOptions): () => void {
    try {
      // A job waits for the model and for room in the queue by itself.
      if (!forJob && !becomesJob?.(request)) this.engine.admit();
      return this.slots.take(sourceOf(request));
    } catch (error) {
      discardRest(request);
      throw error;
    }
  }
}
