import { HttpException } from '@nestjs/common';
import type { ErrorCode } from '../../errors/error-codes.js';
import { TimbreError } from '../../errors/timbre-error.js';

/** What Fastify finds wrong with a request before any of our code sees it. */
const OF_FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_TYPE: 'CONTENT_TYPE_UNSUPPORTED',
};

const OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  404: 'ROUTE_NOT_FOUND',
  413: 'BODY_TOO_LARGE',
  415: 'CONTENT_TYPE_UNSUPPORTED',
  429: 'OVERLOADED',
};

/** Any thrown value as an error of the table; what nobody foresaw becomes `INTERNAL` with the value as its cause. */
export function toTimbreError(thrown: unknown): TimbreError {
  if (thrown instanceof TimbreError) return thrown;
  if (!(thrown instanceof Error)) return unforeseen(thrown);
  const { code = '', statusCode = 0 } = thrown as { code?: string; statusCode?: number };
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode;
  if (!(status >= 400 && status < 500)) return unforeseen(thrown);
  const known = OF_FASTIFY[code] ?? OF_STATUS[status] ?? 'INVALID_ARGUMENT';
  return new TimbreError(known, thrown.message, { cause: thrown });
}

function unforeseen(cause: unknown): TimbreError {
  return new TimbreError('INTERNAL', 'an error that nobody foresaw; the log has it under this request id', { cause });
}
