import {
  applyDecorators,
  createParamDecorator,
  SetMetadata,
  UseInterceptors,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { ApiErrors } from '../http/api-errors.js';
import { eachItsOwn } from '../http/body-by-type.js';
import type { UploadForm } from './recording.js';
import {
  takesRaw,
  uploadOf,
  UploadsInterceptor,
  UPLOAD_METADATA,
  type UploadMetadata,
  type UploadOptions,
} from './uploads.interceptor.js';

/** Recordings in one form, whatever TIMBRE_MAX_FILES and TIMBRE_MAX_JOB_ITEMS say. */
const MOST_FILES = 10_000;
const MOST_JOB_FILES = 100_000;

/** Of a body with recordings, before anybody listens to them. */
const OF_UPLOADS = [
  'BODY_TOO_LARGE',
  'CONTENT_TYPE_UNSUPPORTED',
  'AUDIO_TOO_LARGE',
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'WRITE_FAILED',
] as const;

/** Of embedding them. */
const OF_RECORDINGS = [
  'AUDIO_UNSUPPORTED',
  'AUDIO_CORRUPT',
  'AUDIO_TOO_SHORT',
  'AUDIO_TOO_LONG',
  'NO_SPEECH',
  'MODEL_NOT_READY',
  'OUT_OF_MEMORY',
  'DECODER_FAILED',
  'INFERENCE_FAILED',
] as const;

/**
 * Makes a call take recordings by multipart/form-data, and one recording as the body itself where it takes one: streamed
 * to bounded temporary files and hashed before the handler runs, removed after it has settled, whichever way. `fields` is
 * a `z.strictObject` of the form's other fields, which arrive as text.
 *
 *   @Post()
 *   @AcceptsRecordings({ audio: { min: 1 } }, z.strictObject({ label: z.string().max(200).optional() }))
 *   create(@Recordings() recordings: Recording[], @FormFields() fields: { label?: string }, @Bounds() bounds: EmbedOptions)
 */
export function AcceptsRecordings(
  form: UploadForm,
  fields: z.ZodObject = z.strictObject({}),
  options: UploadOptions = {},
): MethodDecorator {
  const most = options.forJob ? MOST_JOB_FILES : MOST_FILES;
  const properties: Record<string, object> = {};
  for (const [name, { min, max }] of Object.entries(form)) {
    const file = { type: 'string', format: 'binary' };
    properties[name] = max === 1 ? file : { type: 'array', items: file, minItems: min, maxItems: max ?? most };
  }
  const others = z.toJSONSchema(fields, { target: 'openapi-3.0', io: 'input' }) as {
    properties?: Record<string, object>;
    required?: string[];
  };
  const required = Object.keys(form).filter((name) => form[name]!.min > 0);
  const body = {
    type: 'object',
    properties: { ...properties, ...others.properties },
    required: [...required, ...(others.required ?? [])],
    additionalProperties: false,
  };
  const raw = takesRaw(form, options);
  const bodies = {
    'multipart/form-data': body,
    ...(options.json
      ? { 'application/json': z.toJSONSchema(options.json, { target: 'openapi-3.0', io: 'input' }) }
      : {}),
    ...(raw ? { 'audio/*': { type: 'string', format: 'binary' } } : {}),
  };
  const metadata: UploadMetadata = { form, fields, options };
  return applyDecorators(
    SetMetadata(UPLOAD_METADATA, metadata),
    UseInterceptors(UploadsInterceptor),
    ApiConsumes(...Object.keys(bodies)),
    ApiBody({ schema: eachItsOwn(bodies) }),
    ...(raw ? queryOf(others) : []),
    ApiErrors(...OF_UPLOADS, ...(options.forJob ? [] : OF_RECORDINGS)),
  );
}

/** What a form has beside the recording comes with the address where the recording is the body. */
function queryOf({ properties = {} }: { properties?: Record<string, object> }): MethodDecorator[] {
  return Object.entries(properties).map(([name, schema]) => {
    const { description = '', ...rest } = schema as { description?: string };
    return ApiQuery({
      name,
      required: false,
      description: `${description} For a recording that is the body; a form has it as a field.`.trim(),
      schema: rest,
    });
  });
}

/** The recordings of the request, in the order of their upload. */
export const Recordings = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  return uploadOf(context.switchToHttp().getRequest<IncomingMessage>()).recordings;
});

/** The other fields of the form, as their schema gives them. */
export const FormFields = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  return uploadOf(context.switchToHttp().getRequest<IncomingMessage>()).fields;
});
