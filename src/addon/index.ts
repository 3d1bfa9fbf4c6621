export { SpeakerEncoder } from './speaker-encoder.js';
export { cosine, type EmbeddingLike } from './cosine.js';
export { convertCheckpoint, readManifest, runtimeInfo, updateManifest, verifyBundle } from './bundles.js';
export { isErrorCode, TimbreError } from '../errors/timbre-error.js';
export { ERROR_CODES, type ErrorCode } from '../errors/error-codes.js';
export type * from './types.js';
