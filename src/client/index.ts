export { TimbreClient, type ClientOptions } from './client.js';
export type { ServiceEvent } from './events.js';
export type { Answer, Arguments, CallOptions, Given, OperationId, Paged } from './types.js';
export type { Upload } from './upload.js';
export { isErrorCode, TimbreError } from '../errors/timbre-error.js';
export { ERROR_CODES, type ErrorCode } from '../errors/error-codes.js';
