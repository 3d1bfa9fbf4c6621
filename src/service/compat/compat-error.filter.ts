import { Catch } from '@nestjs/common';
import type { ErrorCode } from '../../errors/error-codes.js';
import { ErrorFilter } from '../http/error.filter.js';
import type { TimbreError } from '../../errors/timbre-error.js';

/** Where the sidecar's contract has another status than the error table. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  CONTENT_TYPE_UNSUPPORTED: 400,
  MODEL_MISMATCH: 400,
  // A file that is there but cannot be embedded.
  AUDIO_UNSUPPORTED: 500,
  AUDIO_CORRUPT: 500,
  AUDIO_TOO_SHORT: 500,
  AUDIO_TOO_LONG: 500,
  NO_SPEECH: 500,
};

/** Errors as the sidecar gave them: `{"error": "<text>"}`. */
@Catch()
export class CompatErrorFilter extends ErrorFilter {
  protected override status(error: TimbreError): number {
    return STATUS[error.code] ?? error.httpStatus;
  }

  protected override body(error: TimbreError): { error: string } {
    return compatErrorBody(error);
  }
}

export function compatErrorBody({ code, message }: TimbreError): { error: string } {
  return { error: code === 'ROUTE_NOT_FOUND' ? 'Endpoint not found' : message };
}
