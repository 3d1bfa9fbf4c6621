export { SpeakerEncoder } from './speaker-encoder.js';
export { cosine, type EmbeddingLike } from './cosine.js';
export { convertCheckpoint, readManifest, runtimeInfo, updateManifest, verifyBundle } from './bundles.js';
export { isErrorCode, TimbreError } from '../common/timbre-error.js';
export { ERROR_CODES, type ErrorCode } from '../common/error-codes.js';
export type * from './types.js';
