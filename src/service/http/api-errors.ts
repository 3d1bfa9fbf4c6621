import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../errors/error-codes.js';

/** `ErrorBody` as a schema. */
export const errorBody = z.object({
  code: z.string().meta({ description: 'Stable; the whole list is in docs/errors.md.', example: 'AUDIO_TOO_SHORT' }),
  message: z.string().meta({ description: 'What was wrong and what to do, for people.' }),
  details: z.unknown().optional(),
  requestId: z.string().meta({ description: 'The same as in the header x-request-id and in the log.' }),
});

/** The answers of a call in the document, by status. */
export type Responses = Record<string, { description?: string; content?: unknown }>;

/** Adds an error to the answers of a call, where it is not there; `content` of one that is the first of its status. */
export function addError(responses: Responses, code: ErrorCode, content: unknown): void {
  const { http, means } = ERROR_CODES[code];
  const line = `\`${code}\`: ${means}`;
  const response = (responses[String(http)] ??= content === undefined ? {} : { content });
  if (response.description?.includes(`\`${code}\``)) return;
  response.description = response.description ? `${response.description}<br>${line}` : line;
}

/** Documents the errors of a call in OpenAPI, from the error table. INVALID_ARGUMENT and INTERNAL go without saying. */
export function ApiErrors(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>(['INVALID_ARGUMENT', ...codes])) {
    const { http } = ERROR_CODES[code];
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  return applyDecorators(
    ...[...byStatus].map(([status, of]) =>
      ApiResponse({
        status,
        description: of.map((code) => `\`${code}\`: ${ERROR_CODES[code].means}`).join('<br>'),
        standardSchema: errorBody,
      }),
    ),
  );
}
