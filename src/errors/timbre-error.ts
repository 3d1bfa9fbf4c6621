import { ERROR_CODES, type ErrorCode } from './error-codes.js';

export interface TimbreErrorOptions extends ErrorOptions {
  /** What a program can use beside the message, as JSON; part of the service's answer. */
  details?: unknown;
  /** Seconds after which a repeated call has a chance; the service's `Retry-After`. */
  retryAfterSeconds?: number;
}

/** The one error class: a stable code, and a message that says what was wrong and what to do. */
export class TimbreError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options?: TimbreErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = options?.details;
    this.retryAfterSeconds = options?.retryAfterSeconds;
    // The name that the platform gives cancelled calls, which callers test for.
    this.name = code === 'ABORTED' ? 'AbortError' : 'TimbreError';
  }

  /** The service's HTTP status. */
  get httpStatus(): number {
    return ERROR_CODES[this.code].http;
  }

  /** The command line's exit status. */
  get exitStatus(): number {
    return ERROR_CODES[this.code].exit;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}
